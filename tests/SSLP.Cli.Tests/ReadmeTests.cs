using System.Diagnostics;
using SSLP.Cli.Tests.Solution;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>What README.md tells a user to type works: its fences are read here, so that none can grow old.</summary>
public sealed class ReadmeTests(ReadmeJob job) : IClassFixture<ReadmeJob>
{
    [Fact]
    public void Every_block_is_of_a_kind_that_these_tests_run()
    {
        Assert.NotEmpty(Fence.All());
        Assert.All(Fence.All(), fence => Assert.Contains(fence.Language, (string[])["sh", "python"]));
        Assert.All(Fence.Commands(), line => Assert.True(
            line.StartsWith("sslp ", StringComparison.Ordinal) || line.StartsWith("dotnet ", StringComparison.Ordinal),
            $"no test runs '{line}'"));
    }

    [Fact]
    public void The_job_on_ones_own_slides_goes_through()
    {
        Assert.All(job.Done, done => Assert.True(done.ExitCode == 0, $"{done.Line} ended with {done.ExitCode}: {done.Error}"));
        string[] verbs = [.. job.Done.Select(done => done.Line.Split(' ')[1]).Distinct()];
        Assert.Equal(["audit", "doctor", "embed", "export", "pretrain", "probe", "tile"], verbs.Order(StringComparer.Ordinal));
        Assert.True(new FileInfo(Path.Combine(job.Folder, "encoder.onnx")).Length > 1 << 20);
        Assert.Equal(4, Directory.GetFiles(Path.Combine(job.Folder, "features"), "*.h5").Length);
    }

    [Fact]
    public void Python_reads_the_encoder_as_it_is_told()
    {
        Python.SkipUnless("torch", "torchvision", "safetensors");
        Fence script = Assert.Single(Fence.All(), fence => fence.Language == "python");
        string output = Python.Run(
            $"import os, sys; os.chdir(sys.argv[1])\n{string.Join('\n', script.Lines)}\nprint(net(torch.zeros(1, 3, 64, 64)).shape[1])",
            job.Folder);
        Assert.Equal("512", output.Trim());
    }

    [Fact]
    public void The_commands_of_the_sdk_name_what_there_is()
    {
        string[] commands = [.. Fence.Commands().Where(line => line.StartsWith("dotnet ", StringComparison.Ordinal))];
        foreach (string path in commands.SelectMany(line => line.Split(' '))
            .Where(word => word.Contains('/') || word.EndsWith(".sln", StringComparison.Ordinal)))
            Assert.True(Path.Exists(Path.Combine(Repository.Root, path)), $"README names {path}, which is not there");
        // The gate is these very lines; what it runs last is this test.
        string gate = File.ReadAllText(Path.Combine(Repository.Root, ".ci", "run"));
        foreach (string line in (string[])["dotnet restore SSLP.Engine.sln", "dotnet test --solution SSLP.Engine.sln -c Release"])
        {
            Assert.Contains(line, commands);
            Assert.Contains(line, gate, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void No_package_of_the_benches_copies_files_beside_the_program()
    {
        // Publishing for one system, as the README has it, found them twice and ended with NETSDK1152. A publish takes minutes; this is its
        // cause.
        Assert.False(Directory.Exists(Path.Combine(AppContext.BaseDirectory, "amd64")));
        Assert.True(File.Exists(Path.Combine(AppContext.BaseDirectory, "SSLP.Bench.dll")));
    }

    [Fact]
    public void The_demo_takes_its_line()
    {
        string line = Assert.Single(
            Fence.Commands(), line => line.StartsWith("dotnet run --project engine/SSLP.Cli ", StringComparison.Ordinal));
        string[] words = line[(line.IndexOf(" -- ", StringComparison.Ordinal) + 4)..].Split(' ');
        Assert.Equal(["demo", "--out"], words[..2]);
        // Minutes of training are not for a test: a folder that cannot be made ends the demo when its arguments have been taken.
        string blocked = Path.Combine(job.Folder, "labels.csv", words[2]);
        Sslp.Result result = Sslp.Run([words[0], words[1], blocked, .. words[3..]]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(blocked, result.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void The_benches_run_by_their_line_on_a_small_bank()
    {
        string line = Assert.Single(
            Fence.Commands(), line => line.StartsWith("dotnet run --project bench/SSLP.Bench ", StringComparison.Ordinal));
        string[] words = line[(line.IndexOf(" -- ", StringComparison.Ordinal) + 4)..].Split(' ');
        ProcessStartInfo start = new("dotnet", [
            Path.Combine(AppContext.BaseDirectory, "SSLP.Bench.dll"), .. words, "8", "2000"])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = job.Folder,
        };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("| ours |", output, StringComparison.Ordinal);
    }
}
