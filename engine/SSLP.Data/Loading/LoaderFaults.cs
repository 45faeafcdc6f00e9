namespace SSLP.Data.Loading;

/// <summary>What went wrong on one slide during a run; a line of slides.jsonl.</summary>
/// <param name="Slide">Name of the slide.</param>
/// <param name="Failed">Different patches that did not read.</param>
/// <param name="Quarantined">True once the slide is past its budget and no longer read.</param>
/// <param name="FirstReason">The first fault, as the reader put it.</param>
public sealed record SlideFaults(string Slide, int Failed, bool Quarantined, string FirstReason);

/// <summary>Faults of a run up to a batch, for its checkpoint.</summary>
/// <param name="Failed">Patches that did not read, ascending.</param>
/// <param name="Slides">Slides with such patches.</param>
/// <param name="QuarantinedFrom">For each of <paramref name="Slides"/>, the batch from which it is read no more; −1 where it is
/// read.</param>
/// <param name="Replaced">Patches served by another in their place.</param>
public sealed record LoaderFaults(int[] Failed, SlideFaults[] Slides, long[] QuarantinedFrom, long Replaced);
