using System.Globalization;
using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Engine.Tests.Hostile;

/// <summary>What surrounds a run and is none of its options: the user's language, rights on a folder.</summary>
public sealed class SurroundingsTests : IDisposable
{
    private static readonly TrainingOptions Small = new()
    {
        MaxSteps = 6,
        BatchSize = 8,
        InputSize = 16,
        Width = 16,
        Threads = 1,
        Clusters = 2,
        CheckpointEvery = 2,
    };

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-surroundings-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_language_with_decimal_commas_changes_no_number_that_is_written_or_read()
    {
        Train("plain", resume: false);
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = Commas();
            Assert.Equal("0,5", $"{0.5}");
            string yaml = Path.Combine(_root, "run.yaml");
            File.WriteAllText(yaml, "learning_rate: 0.25\n");
            Assert.Equal(0.25, RunConfig.Read([], yaml, [], []).LearningRate);
            Assert.Equal(0.25, RunConfig.Read([], null, ["learning_rate=0.25"], []).LearningRate);
            Train("commas", resume: false);
            // Its own checkpoint, and that of the other language.
            Train("commas", resume: true);
            Train("plain", resume: true);
            Assert.Equal(3.0, RunRecord.Load(Folder("commas").RunJson).Number("radius"));
        }
        finally
        {
            (CultureInfo.CurrentCulture, CultureInfo.DefaultThreadCurrentCulture) = (before, null);
        }
        Assert.Null(RunComparison.Difference(Folder("plain"), Folder("commas")));
        Assert.Equal(RunRecord.Load(Folder("plain").RunJson).Options, RunRecord.Load(Folder("commas").RunJson).Options);
        Assert.Equal(RunRecord.Load(Folder("plain").RunJson).Resolved, RunRecord.Load(Folder("commas").RunJson).Resolved);
    }

    [Fact]
    public void A_folder_that_may_not_be_written_ends_the_run_with_a_sentence_and_the_checkpoint_before_is_intact()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "root may write everywhere: run as another user.");
        if (OperatingSystem.IsWindows())
            return; // skipped above; the analyzer knows this form only
        Train("rights", resume: false);
        RunFolder folder = Folder("rights");
        File.SetUnixFileMode(folder.Checkpoints, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            Fault fault = Assert.Throws<Fault>(() => new Checkpoint(folder, 2).Save(new CheckpointState(9, "x", []), []));
            Assert.Contains("is intact", fault.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(folder.Checkpoints, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        new Checkpoint(folder, 2).OpenNewest()!.Value.File.Dispose();
    }

    private static CultureInfo Commas()
    {
        // Where a build has no cultures but the invariant one, this is what another differs by.
        var commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = commas.NumberFormat.PercentDecimalSeparator = ",";
        commas.NumberFormat.NumberGroupSeparator = ".";
        commas.NumberFormat.NegativeSign = "−";
        return commas;
    }

    private void Train(string name, bool resume)
    {
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16);
        using var job = new PretrainJob(Small, Folder(name), source, "test", resume);
        job.Run(null, CancellationToken.None);
    }

    private RunFolder Folder(string name) => new(Path.Combine(_root, name));
}
