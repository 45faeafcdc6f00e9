using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="IAugmenter"/> on a device: bytes and the host's plans go over, views stay there or come back. The same plans as on the CPU
/// for a seed, and the same views within rounding. One walk over the pixels, a second where contrast is jittered, two more where a view is
/// blurred. Device bytes: 3·B·P² for the patches, 12·B·S² for views that come back and again where blur is on.
/// </summary>
internal sealed unsafe class AugmenterCuda : IAugmenter
{
    private readonly AugmentOptions _options;
    private readonly IComputeDevice _device;
    private readonly DeviceArray<byte> _patches;
    private readonly DeviceArray<AugmentPlan> _plans;
    private readonly DeviceArray<float> _output, _scratch;

    /// <param name="options">What may be drawn.</param>
    /// <param name="patchSize">P, side of the square patches in pixels.</param>
    /// <param name="device">Borrowed.</param>
    /// <exception cref="ArgumentException">An option has no meaning; the message names it.</exception>
    public AugmenterCuda(AugmentOptions options, int patchSize, IComputeDevice device)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(patchSize);
        options.Validate();
        (_options, PatchSize, _device) = (options, patchSize, device);
        (_patches, _plans, _output, _scratch) = (new(device), new(device), new(device), new(device));
    }

    public int PatchSize { get; }

    public int InputSize => _options.InputSize;

    private int ViewFloats => 3 * InputSize * InputSize;

    public void Apply(ulong seed, long step, int view, ReadOnlySpan<int> patchIds, byte* patches, float* output)
    {
        _output.EnsureLength((long)patchIds.Length * ViewFloats);
        EnqueueApply(seed, step, view, patchIds, patches, _output.AddressOf(0));
        ReadBack(patchIds.Length, output);
    }

    public void ApplyEvaluation(int resizedSide, int count, byte* patches, float* output)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var plans = new AugmentPlan[count];
        Array.Fill(plans, AugmentPlan.Evaluation(PatchSize, InputSize, resizedSide));
        _output.EnsureLength((long)count * ViewFloats);
        Enqueue(plans, patches, _output.AddressOf(0));
        ReadBack(count, output);
    }

    /// <summary>The views stay on the device.</summary>
    /// <param name="output">Device address of [B, 3, S, S] floats, a multiple of 16; returns before they are written.</param>
    /// <inheritdoc cref="AugmenterCpu.Apply(ulong, long, int, ReadOnlySpan{int}, byte*, float*)"/>
    public void EnqueueApply(ulong seed, long step, int view, ReadOnlySpan<int> patchIds, byte* patches, ulong output)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfNegative(view);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(view, byte.MaxValue);
        var plans = new AugmentPlan[patchIds.Length];
        for (int i = 0; i < plans.Length; i++)
            plans[i] = AugmentPlan.Draw(_options, PatchSize, seed, step, patchIds[i], view);
        Enqueue(plans, patches, output);
    }

    /// <summary>Draws the plans of one view of each patch, for <see cref="EnqueueApply(ulong, ulong, int, bool, ulong)"/>.</summary>
    /// <returns>Whether one of them blurs.</returns>
    public bool DrawPlans(ulong seed, long step, int view, ReadOnlySpan<int> patchIds, Span<AugmentPlan> plans)
    {
        bool blurs = false;
        for (int i = 0; i < patchIds.Length; i++)
        {
            plans[i] = AugmentPlan.Draw(_options, PatchSize, seed, step, patchIds[i], view);
            blurs |= plans[i].BlurSigma > 0;
        }

        return blurs;
    }

    /// <summary>Views of patches and plans that lie on the device; nothing is waited for.</summary>
    /// <param name="patches">Device address of [B, P, P, 3] bytes.</param>
    /// <param name="plans">Device address of [B] plans.</param>
    /// <param name="count">B.</param>
    /// <param name="blurs">Whether one of them blurs.</param>
    /// <param name="output">Device address of [B, 3, S, S] floats.</param>
    public void EnqueueApply(ulong patches, ulong plans, int count, bool blurs, ulong output)
    {
        long bytes = 3L * PatchSize * PatchSize * count, floats = (long)ViewFloats * count;
        var arguments = new KernelArguments();
        arguments.View(patches, bytes);
        arguments.View(plans, count);
        arguments.View(output, floats);
        arguments.Int32(PatchSize);
        arguments.Int32(InputSize);
        arguments.Single(_options.Mean.R);
        arguments.Single(_options.Mean.G);
        arguments.Single(_options.Mean.B);
        arguments.Single(1 / _options.Deviation.R);
        arguments.Single(1 / _options.Deviation.G);
        arguments.Single(1 / _options.Deviation.B);
        _device.EnqueueLaunch("AugmentPatches", new LaunchGrid((uint)count), ref arguments);
        if (!blurs)
            return;
        _scratch.EnsureLength(floats);
        var planes = new LaunchGrid(3 * (uint)count);
        var across = new KernelArguments();
        across.View(plans, count);
        across.View(output, floats);
        across.View(_scratch);
        across.Int32(InputSize);
        _device.EnqueueLaunch("BlurAcross", planes, ref across);
        var down = new KernelArguments();
        down.View(plans, count);
        down.View(_scratch);
        down.View(output, floats);
        down.Int32(InputSize);
        _device.EnqueueLaunch("BlurDown", planes, ref down);
    }

    public void Dispose()
    {
        foreach (IDisposable array in (IDisposable[])[_patches, _plans, _output, _scratch])
            array.Dispose();
    }

    private void Enqueue(AugmentPlan[] plans, byte* patches, ulong output)
    {
        if (plans.Length == 0)
            return;
        ArgumentNullException.ThrowIfNull(patches);
        long bytes = 3L * PatchSize * PatchSize * plans.Length;
        _patches.EnsureLength(bytes);
        _device.Upload(_patches.AddressOf(0), patches, bytes);
        _plans.EnsureLength(plans.Length).Upload(plans);
        EnqueueApply(
            _patches.AddressOf(0), _plans.AddressOf(0), plans.Length, Array.Exists(plans, plan => plan.BlurSigma > 0), output);
    }

    private void ReadBack(int count, float* output)
    {
        if (count == 0)
            return;
        ArgumentNullException.ThrowIfNull(output);
        _device.ReadBack(output, _output.AddressOf(0), (long)count * ViewFloats * sizeof(float));
    }
}
