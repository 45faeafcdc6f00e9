using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="IMomentumSgd"/> on a device: two launches for the norm, one for a step, one for a follower, with nothing between them that
/// waits. What judges the gradient sets the flags word, and what moves weights reads it first. The gradient lies in one piece, every
/// buffer on a boundary of 16 bytes and a multiple of 4 long. The bits are those of the CPU's but for the norm's last ones.
/// </summary>
internal sealed unsafe class MomentumSgdCuda : IMomentumSgd
{
    private const int GroupSize = 256, MostGroups = 1024, QuadsOfThread = 4;

    private readonly IComputeDevice _device;
    private readonly DeviceArray<double> _sums, _squares;
    private readonly StepFlags _flags;
    private ulong _judged; // device address of the flags that the last norm set

    /// <param name="device">Borrowed.</param>
    public MomentumSgdCuda(IComputeDevice device)
    {
        _device = device;
        _sums = new DeviceArray<double>(device).EnsureLength(MostGroups);
        _squares = new DeviceArray<double>(device).EnsureLength(1);
        _flags = new StepFlags(device);
        _flags.EnqueueClear();
        _judged = _flags.Word.AddressOf(0);
    }

    public double Norm(ReadOnlySpan<VectorView> gradient)
    {
        EnqueueNorm(gradient);
        Span<double> squares = [0];
        _squares.ReadBack(squares);
        return MomentumSgdRules.NormOf(squares[0]);
    }

    /// <summary>The same without waiting for the number.</summary>
    public void EnqueueNorm(ReadOnlySpan<VectorView> gradient)
    {
        _flags.EnqueueClear();
        _judged = _flags.Word.AddressOf(0);
        EnqueueNorm(gradient, _squares.AddressOf(0), (int)StepFault.NotFinite);
    }

    /// <summary>The same into a step's report: whatever fault it has keeps the next step from moving anything.</summary>
    public void EnqueueNorm(ReadOnlySpan<VectorView> gradient, StepReport report)
    {
        _judged = report.Address;
        EnqueueNorm(gradient, report.AddressOf(StepValue.GradientSquares), (int)StepFault.GradientNotFinite);
    }

    /// <summary>From here on a fault of this report keeps <see cref="Step"/> and <see cref="Follow"/> from moving anything.</summary>
    public void JudgeBy(StepReport report) => _judged = report.Address;

    private void EnqueueNorm(ReadOnlySpan<VectorView> gradient, ulong squares, int fault)
    {
        VectorView whole = Whole(gradient);
        uint groups = Groups(whole.Length);
        var sums = new KernelArguments();
        sums.View((ulong)whole.Data, whole.Length / 4);
        sums.View(_sums);
        sums.Int64(whole.Length / 4);
        _device.EnqueueLaunch("SumSquares", new LaunchGrid(groups), ref sums);
        var judge = new KernelArguments();
        judge.View(_sums);
        judge.View(squares, 1);
        judge.View(_judged, 1);
        judge.Int32((int)groups);
        judge.Int32(fault);
        _device.EnqueueLaunch("JudgeSquares", new LaunchGrid(1), ref judge);
    }

    public void Step(VectorView weights, VectorView momentum, ReadOnlySpan<VectorView> gradient, MomentumSgdRates rates)
    {
        MomentumSgdRules.CheckStep(weights, momentum, gradient, rates);
        VectorView whole = Whole(gradient);
        var arguments = new KernelArguments();
        arguments.View((ulong)weights.Data, weights.Length / 4);
        arguments.View((ulong)momentum.Data, momentum.Length / 4);
        arguments.View((ulong)whole.Data, whole.Length / 4);
        arguments.View(_judged, 1);
        arguments.Int64(whole.Length / 4);
        arguments.Single((float)-rates.LearningRate);
        arguments.Single((float)rates.Momentum);
        arguments.Single((float)rates.WeightDecay);
        _device.EnqueueLaunch("StepMomentumSgd", new LaunchGrid(Groups(whole.Length)), ref arguments);
    }

    public void Follow(VectorView key, VectorView query, double momentum)
    {
        MomentumSgdRules.CheckFollow(key, query, momentum);
        RequireQuads(key);
        var arguments = new KernelArguments();
        arguments.View((ulong)key.Data, key.Length / 4);
        arguments.View((ulong)query.Data, query.Length / 4);
        arguments.View(_judged, 1);
        arguments.Int64(key.Length / 4);
        arguments.Single((float)momentum);
        arguments.Single((float)(1 - momentum));
        _device.EnqueueLaunch("FollowWeights", new LaunchGrid(Groups(key.Length)), ref arguments);
    }

    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_sums, _squares, _flags])
            part.Dispose();
    }

    private static uint Groups(long length) => Math.Clamp((QuadsOfThread * GroupSize).GroupsOf(length / 4), 1, MostGroups);

    private static VectorView Whole(ReadOnlySpan<VectorView> gradient)
    {
        if (gradient.Length > 1)
            throw new ArgumentException($"A device takes the gradient in one piece, not in {gradient.Length}: join it first.");
        VectorView whole = gradient.IsEmpty ? default : gradient[0];
        RequireQuads(whole);
        return whole;
    }

    private static void RequireQuads(VectorView vector)
    {
        if (vector.Length % 4 != 0)
            throw new ArgumentException($"A device takes buffers of whole fours, not of {vector.Length} numbers: pad them with zeros.");
    }
}
