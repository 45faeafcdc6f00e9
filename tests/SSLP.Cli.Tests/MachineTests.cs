using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>The command line where there is a device, as far as a host can be one: torch on the CPU, the kernels on the PTX
/// machine.</summary>
public sealed class MachineTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public void A_plan_lists_the_device_s_buffers_where_auto_takes_it_and_says_why_where_it_does_not()
    {
        for (int i = 0; i < 24; i++)
            _folder.Png($"patches/s{i / 12}_{i % 4}_{i / 4 % 3}_a.png", 16, 16, seed: 7 * i);
        string[] plan =
        [
            "pretrain", "--patches", Path.Combine(_folder.Path, "patches"), "--out", Path.Combine(_folder.Path, "run"), "--kernels", "auto",
            "--set=device=cpu", "--set=input_size=16", "--set=batch_size=8", "--set=width=16", "--plan",
        ];
        Sslp.Result taken = Sslp.RunOnMachine(plan), none = Sslp.Run(plan);
        Assert.True(taken.ExitCode == 0, taken.Error);
        Assert.True(none.ExitCode == 0, none.Error);
        Assert.Contains("in all for the kernels, the network apart", taken.Output, StringComparison.Ordinal);
        Assert.Contains("negatives: 8·B·M", taken.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("kernels=auto takes", taken.Output + taken.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("in all for the kernels", none.Output, StringComparison.Ordinal);
        Assert.Contains("kernels=auto takes the CPU's kernels", none.Output + none.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
