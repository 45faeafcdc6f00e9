using SSLP.Bench.Profile;
using SSLP.Engine.Model;
using SSLP.Engine.Stages;
using Xunit;

namespace SSLP.Bench.Tests.Profile;

public sealed class ProfileTests
{
    /// <summary>What torchvision's networks are said to take at 224 px, without the classifier.</summary>
    [Theory]
    [InlineData(Architecture.ResNet18, 224, 1.814e9)]
    [InlineData(Architecture.ResNet50, 224, 4.087e9)]
    public void The_networks_work_is_that_of_its_convolutions(Architecture architecture, int side, double multiplyAdds) =>
        Assert.InRange(NetworkWork.MultiplyAdds(architecture, side) / multiplyAdds, 0.999, 1.001);

    [Fact]
    public void The_verdict_names_what_holds_a_run_up_and_what_to_do()
    {
        Assert.Equal("waits for decode 31 %: add readers (--threads is 2, the machine has 8 processors)",
            Verdict(new() { [Stage.Wait] = 0.31, [Stage.Decode] = 0.8, [Stage.Read] = 0.1 }, readers: 2, cores: 8));
        Assert.StartsWith("waits for decode 31 %: all 2 processors decode, which train, too: add processors",
            Verdict(new() { [Stage.Wait] = 0.31, [Stage.Decode] = 0.8, [Stage.Read] = 0.1 }, readers: 2, cores: 2));
        Assert.StartsWith("waits for read 60 %: all 2 readers wait for the disk",
            Verdict(new() { [Stage.Wait] = 0.6, [Stage.Decode] = 0.1, [Stage.Read] = 0.8 }, readers: 2, cores: 2));
        Assert.Equal("waits for read 12 %: the readers rest half of the time: raise prefetch",
            Verdict(new() { [Stage.Wait] = 0.12, [Stage.Read] = 0.2 }, readers: 2, cores: 2));
        Assert.StartsWith("does not wait for patches (1 %); the network takes 70 %: a GPU",
            Verdict(new() { [Stage.Wait] = 0.01, [Stage.Forward] = 0.3, [Stage.Backward] = 0.4, [Stage.BankStep] = 0.2 }, 2, 2));
        Assert.StartsWith("does not wait for patches (0 %); the bank takes 55 %: fewer nearest_keys",
            Verdict(new() { [Stage.BankStep] = 0.5, [Stage.BankUpdate] = 0.05, [Stage.Forward] = 0.3 }, 2, 2));
    }

    [Fact]
    public void Profilers_get_the_same_command_as_a_shell_takes_it()
    {
        Assert.Equal("--set", ProfilerCommands.Quoted("--set"));
        Assert.Equal("'it'\\''s a slide'", ProfilerCommands.Quoted("it's a slide"));
        Assert.Equal(
            "nsys profile --trace=cuda,nvtx,osrt --capture-range=cudaProfilerApi --capture-range-end=stop --force-overwrite=true " +
            "--output='a run/nsys' sslp profile",
            ProfilerCommands.Nsys("sslp profile", "a run", onDevice: true));
        Assert.DoesNotContain("capture-range", ProfilerCommands.Nsys("sslp profile", "run", onDevice: false), StringComparison.Ordinal);
        Assert.Contains("--nvtx-include 'SSLP@bank step/'", ProfilerCommands.Ncu("sslp profile", "run"), StringComparison.Ordinal);
    }

    private static string Verdict(Dictionary<Stage, double> shares, int readers, int cores) =>
        ProfileVerdict.Of(stage => shares.GetValueOrDefault(stage), readers, cores, onDevice: false);
}
