using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>The three-term step over a bank and its spatial index.</summary>
internal sealed class NativeStep(NativeBank bank, NativeSpatial spatial, ThreeTermOptions options)
    : NativeObject("step", isExclusive: true, bank, spatial)
{
    public NativeBank Bank => bank;

    public IThreeTermStep Step { get; } = bank.Context.Kernels.ThreeTermStep(bank.Bank, spatial.Index, options);

    public override void Dispose() => Step.Dispose();
}
