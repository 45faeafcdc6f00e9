using System.Globalization;
using SSLP.Kernels.Device;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>bench/results/ptx/kernels.md: every kernel at two shapes, the lists at a third, and nothing in it that stands out and is not
/// explained.</summary>
public sealed class KernelTableTests
{
    private const double Usual = 1.2;

    [Fact]
    public void Every_kernel_is_there_at_two_shapes_and_what_is_above_its_floor_is_explained()
    {
        string[][] lines = [.. File.ReadLines(Table()).Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries)[1..^1])];
        string[][] rows = [.. lines.Where(cells => cells[0] != "kernel")];
        Assert.Equal(
            DeviceKernels.All.SelectMany(kernel => (string[])[kernel.Name, kernel.Name]).Concat(KernelTable.ListKernels).Order(),
            rows.Select(cells => cells[0]).Order());
        string[] standing = [.. rows.Where(cells => Number(cells[5]) > Usual || Number(cells[6]) > Number(cells[7]))
            .Select(cells => cells[0]).Distinct()];
        string[] explained = [.. KernelNotes.All.Select(note => note.Kernel)];
        Assert.Empty(standing.Except(explained));
        Assert.Empty(explained.Except(standing));
    }

    /// <summary>A minute or two; for whoever changes a kernel.</summary>
    [Fact(Explicit = true)]
    public void Writes_the_table_of_kernels() => File.WriteAllText(Table(), KernelTable.Compose());

    private static string Table()
    {
        Assert.SkipWhen(KernelTable.Path is null, "the repository is not here");
        return KernelTable.Path!;
    }

    private static double Number(string cell) => double.Parse(cell, CultureInfo.InvariantCulture);
}
