namespace SSLP.Evaluation.Features;

/// <summary>Where features go as they are made, so that no more of them are in memory than a batch.</summary>
public interface IFeatureSink : IDisposable
{
    /// <summary>Takes the next patches, in the order that was asked for.</summary>
    /// <param name="patches">Their ids.</param>
    /// <param name="features">A row each, also of patches that did not read.</param>
    /// <param name="read">Which of them read.</param>
    void Add(ReadOnlySpan<int> patches, ReadOnlySpan<float> features, ReadOnlySpan<bool> read);

    /// <summary>After the last patch: makes the files whole. Without it nothing is left behind.</summary>
    void Complete();
}
