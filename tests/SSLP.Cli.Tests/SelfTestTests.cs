using Xunit;

namespace SSLP.Cli.Tests;

public sealed class SelfTestTests
{
    /// <summary>At random, in a checkpoint, at a clustering; <c>sslp doctor --self-test --kills 20</c> is the long form.</summary>
    [Fact]
    public void A_training_that_is_killed_three_times_is_the_same_to_the_bit()
    {
        Sslp.Result result = Sslp.Run("doctor", "--self-test", "--kills", "3");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("to the last bit", result.Output, StringComparison.Ordinal);
        Assert.Contains("killed in a checkpoint", result.Error, StringComparison.Ordinal);
    }
}
