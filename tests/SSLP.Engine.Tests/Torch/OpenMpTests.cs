using SSLP.Engine.Torch;
using Xunit;

namespace SSLP.Engine.Tests.Torch;

public sealed class OpenMpTests
{
    [Fact]
    public void A_number_of_looks_is_where_libgomp_reads_it_and_one_that_is_there_stays()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libgomp's variable is set on Linux only");
        OpenMp.SetSpins(12_345);
        string? first = OpenMp.Spins;
        Assert.Equal(Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") ?? "12345", first);
        OpenMp.SetSpins(7);
        Assert.Equal(first, OpenMp.Spins);
    }
}
