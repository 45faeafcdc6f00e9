namespace SSLP.Kernels;

/// <summary>Augmentation as <see cref="AugmenterCpu"/> defines it, whatever computes it: plans are drawn on the host, so views are the same
/// for a seed.</summary>
public unsafe interface IAugmenter : IDisposable
{
    /// <inheritdoc cref="AugmenterCpu.PatchSize"/>
    int PatchSize { get; }

    /// <inheritdoc cref="AugmenterCpu.InputSize"/>
    int InputSize { get; }

    /// <inheritdoc cref="AugmenterCpu.Apply(ulong, long, int, ReadOnlySpan{int}, byte*, float*)"/>
    void Apply(ulong seed, long step, int view, ReadOnlySpan<int> patchIds, byte* patches, float* output);

    /// <inheritdoc cref="AugmenterCpu.ApplyEvaluation"/>
    void ApplyEvaluation(int resizedSide, int count, byte* patches, float* output);
}
