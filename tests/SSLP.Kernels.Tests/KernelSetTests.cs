using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class KernelSetTests
{
    [Fact]
    public void Every_operation_comes_in_the_chosen_implementation()
    {
        using var bank = MemoryBank.CreateRandom(10, 8, seed: 1);
        using var cpu = new KernelSet(KernelBackend.Cpu, threads: 2);
        using var reference = new KernelSet(KernelBackend.Reference, threads: 1);
        using (INearestKeys keys = cpu.NearestKeys(bank), oracle = reference.NearestKeys(bank))
        {
            Assert.IsType<NearestKeysCpu>(keys);
            Assert.IsType<NearestKeysReference>(oracle);
        }
        using (IWholeBankLoss loss = cpu.WholeBankLoss(bank), oracle = reference.WholeBankLoss(bank))
        {
            Assert.IsType<WholeBankLossCpu>(loss);
            Assert.IsType<WholeBankLossReference>(oracle);
        }
        using (IKMeans means = cpu.KMeans(bank), oracle = reference.KMeans(bank))
        {
            Assert.IsType<KMeansCpu>(means);
            Assert.IsType<KMeansReference>(oracle);
        }
        using (IMomentumSgd sgd = cpu.MomentumSgd(), oracle = reference.MomentumSgd())
        {
            Assert.IsType<MomentumSgdCpu>(sgd);
            Assert.IsType<MomentumSgdReference>(oracle);
        }
    }
}
