namespace SSLP.Kernels;

/// <summary>
/// Augmentation: patches as bytes in, normalised planes as floats out, in one pass a patch.
/// <code>
/// patches [B, P, P, 3] uint8, row-major, red first   →   output [B, 3, S, S] float32
/// </code>
/// Steps: crop, antialiased bilinear resize (torchvision's resize of a float tensor with antialias=True: no rounding to bytes in between),
/// stain jitter, colour jitter in the drawn order (torchvision's functional transforms of a float image, clamped to [0, 1] after each),
/// grayscale, flips, (x − mean) / deviation, blur. About 3·S² · (4 + steps · 6) flops and P² · 3 + S² · 12 bytes a patch (twice the
/// output's where contrast is jittered, again where blur is on); never materialised: the crop, the resized bytes, a float copy of the
/// patch. Deterministic: a plan is a pure function of (seed, step, patch, view), pixels are a pure function of plan and patch, the same on
/// any number of threads; processors with other vector widths sum the mean gray in another order (differences of a few 1e-6 after
/// normalising). No managed allocation after the constructor.
/// </summary>
public sealed unsafe class AugmenterCpu : IAugmenter, IParallelWork
{
    private readonly AugmentOptions _options;
    private readonly IWorkers _pool;
    private readonly PatchAugmenter[] _workers;
    private AugmentPlan[] _plans = [];

    // The call in progress; the pool runs one at a time.
    private readonly Lock _oneCall = new();
    private byte* _patches;
    private float* _output;

    /// <param name="options">What may be drawn.</param>
    /// <param name="patchSize">P, side of the square patches in pixels.</param>
    /// <param name="pool">Threads; one patch is one item. Not disposed here.</param>
    /// <exception cref="ArgumentException">An option has no meaning; the message names it.</exception>
    public AugmenterCpu(AugmentOptions options, int patchSize, IWorkers pool)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(patchSize);
        options.Validate();
        _options = options;
        _pool = pool;
        PatchSize = patchSize;
        _workers = new PatchAugmenter[pool.Workers];
        for (int i = 0; i < _workers.Length; i++)
            _workers[i] = new PatchAugmenter(options, patchSize);
    }

    /// <summary>P, side of the square patches in pixels.</summary>
    public int PatchSize { get; }

    /// <summary>S, side of the square output in pixels.</summary>
    public int InputSize => _options.InputSize;

    /// <summary>Draws one view of each patch and writes it.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="step">The training step, from 0.</param>
    /// <param name="view">Which view of the patches in this step, 0 to 255.</param>
    /// <param name="patchIds">[B] the patches' rows in the memory bank: what their randomness hangs on.</param>
    /// <param name="patches">[B, P, P, 3] bytes.</param>
    /// <param name="output">[B, 3, S, S] floats.</param>
    public void Apply(ulong seed, long step, int view, ReadOnlySpan<int> patchIds, byte* patches, float* output)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfNegative(view);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(view, byte.MaxValue);
        lock (_oneCall)
        {
            EnsurePlans(patchIds.Length);
            for (int i = 0; i < patchIds.Length; i++)
                _plans[i] = AugmentPlan.Draw(_options, PatchSize, seed, step, patchIds[i], view);
            Run(patchIds.Length, patches, output);
        }
    }

    /// <summary>Writes views that are given, not drawn.</summary>
    /// <param name="plans">[B] one plan a patch, drawn for this patch and output size.</param>
    /// <exception cref="ArgumentException">A plan reaches outside the patch or the resized square.</exception>
    /// <inheritdoc cref="Apply(ulong, long, int, ReadOnlySpan{int}, byte*, float*)"/>
    internal void Apply(ReadOnlySpan<AugmentPlan> plans, byte* patches, float* output)
    {
        foreach (ref readonly AugmentPlan plan in plans)
            RequireInside(plan);
        lock (_oneCall)
        {
            EnsurePlans(plans.Length);
            plans.CopyTo(_plans);
            Run(plans.Length, patches, output);
        }
    }

    /// <summary>
    /// The deterministic transform of evaluation: the whole patch resized to <paramref name="resizedSide"/>, its centre window, normalised
    /// (torchvision's Resize(256), CenterCrop(224), Normalize).
    /// </summary>
    /// <param name="count">B.</param>
    /// <inheritdoc cref="Apply(ulong, long, int, ReadOnlySpan{int}, byte*, float*)"/>
    public void ApplyEvaluation(int resizedSide, int count, byte* patches, float* output)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var plan = AugmentPlan.Evaluation(PatchSize, InputSize, resizedSide);
        lock (_oneCall)
        {
            EnsurePlans(count);
            _plans.AsSpan(0, count).Fill(plan);
            Run(count, patches, output);
        }
    }

    public void Dispose()
    {
        foreach (PatchAugmenter worker in _workers)
            worker.Dispose();
    }

    void IParallelWork.Execute(int item, int worker) =>
        _workers[worker].Apply(_plans[item], _patches + (nint)item * PatchSize * PatchSize * 3,
            _output + (nint)item * InputSize * InputSize * 3);

    private void Run(int count, byte* patches, float* output)
    {
        if (count > 0 && (patches == null || output == null))
            throw new ArgumentNullException(patches == null ? nameof(patches) : nameof(output));
        _patches = patches;
        _output = output;
        _pool.Run(this, count);
    }

    private void EnsurePlans(int count)
    {
        if (_plans.Length < count)
            _plans = new AugmentPlan[count];
    }

    private void RequireInside(in AugmentPlan plan)
    {
        bool crop = plan is { Left: >= 0, Top: >= 0, Width: > 0, Height: > 0 }
            && plan.Left + plan.Width <= PatchSize && plan.Top + plan.Height <= PatchSize;
        bool window = plan.WindowOffset >= 0 && plan.WindowOffset + InputSize <= plan.ResizedSide;
        bool blur = plan.BlurSigma == 0 || (_options.Blur > 0 && plan.BlurSigma <= AugmentOptions.MaximumBlurSigma);
        if (!crop || !window || !blur)
            throw new ArgumentException(
                $"The plan {plan} does not fit patches of {PatchSize} pixels, an output of {InputSize} and its options.", nameof(plan));
    }
}
