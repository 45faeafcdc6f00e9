namespace SSLP.Kernels;

/// <summary>Augmentation as <see cref="Augmenter"/> defines it, whatever computes it: plans are drawn on the host, so views are the same for a seed.</summary>
public unsafe interface IAugmenter : IDisposable
{
    /// <inheritdoc cref="Augmenter.PatchSize"/>
    int PatchSize { get; }

    /// <inheritdoc cref="Augmenter.InputSize"/>
    int InputSize { get; }

    /// <inheritdoc cref="Augmenter.Apply(ulong, long, int, ReadOnlySpan{int}, byte*, float*)"/>
    void Apply(ulong seed, long step, int view, ReadOnlySpan<int> patchIds, byte* patches, float* output);

    /// <inheritdoc cref="Augmenter.ApplyEvaluation"/>
    void ApplyEvaluation(int resizedSide, int count, byte* patches, float* output);
}
