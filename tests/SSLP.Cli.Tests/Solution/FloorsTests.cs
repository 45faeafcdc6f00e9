using System.Text;
using Xunit;

namespace SSLP.Cli.Tests.Solution;

/// <summary>The house: a room uses rooms below it, never one above. The table is floors.txt; CONTRIBUTING shows it.</summary>
public sealed class FloorsTests
{
    private const string Begin = "<!-- floors -->", End = "<!-- /floors -->";

    [Fact]
    public void Every_room_uses_only_rooms_below_it()
    {
        List<Room> floors = [.. Table().Select(line => line.Room)];
        IReadOnlyDictionary<(Room From, Room To), string> uses = SourceUses.Of(Repository.Root, floors);
        string[] without = [.. uses.Keys.SelectMany(pair => (Room[])[pair.From, pair.To]).Distinct().Where(room => !floors.Contains(room))
            .Select(room => room.ToString())];
        Assert.True(without.Length == 0, $"no floor in floors.txt: {string.Join(", ", without)}");
        string[] upwards = [.. uses.Where(use => floors.IndexOf(use.Key.To) > floors.IndexOf(use.Key.From))
            .Select(use => $"{use.Key.From} uses {use.Key.To} above it: {use.Value}").Order()];
        Assert.True(upwards.Length == 0, string.Join(Environment.NewLine, upwards));
        Assert.True(uses.Count > floors.Count, $"only {uses.Count} uses were seen: the sources were not read");
    }

    [Fact]
    public void Contributing_shows_the_floors()
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, "CONTRIBUTING.md"));
        int begin = text.IndexOf(Begin, StringComparison.Ordinal), end = text.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= 0 && end > begin, $"CONTRIBUTING.md has no {Begin} … {End}");
        Assert.Equal(Markdown(), text[(begin + Begin.Length)..end].Trim());
    }

    /// <summary>The rooms from the lowest up: "project | room | what is in it" a line.</summary>
    private static IEnumerable<(Room Room, string What)> Table() =>
        from line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Solution", "floors.txt"))
        where line.Length > 0 && line[0] != '#'
        let cells = line.Split('|', StringSplitOptions.TrimEntries)
        select (new Room(cells[0], cells[1]), cells[2]);

    private static string Markdown()
    {
        var text = new StringBuilder("| project | room | what is in it |\n|---|---|---|\n");
        foreach ((Room room, string what) in Table().Reverse())
            text.Append("| ").Append(room.Project).Append(" | ").Append(room.Name).Append(" | ").Append(what).Append(" |\n");
        return text.ToString().Trim();
    }
}
