namespace SSLP.Data.Synth;

/// <summary>
/// Takes the classes' mean colour away: in every stained class both stains are scaled to means that vary smoothly over the slide
/// whatever the class is. A real section's regions differ in colour too, but by its staining as much as by its tissue; here a patch's
/// mean colour says little, and a model must look at structure.
/// </summary>
internal static class StainBalance
{
    private const float HaematoxylinMean = 0.30f, EosinMean = 0.40f;

    public static void Apply(StainMap stain, ReadOnlySpan<byte> shown, Random random)
    {
        (float[] haematoxylin, float[] eosin) = Means(stain, shown);
        ValueNoise driftH = new(random), driftE = new(random);
        for (int y = 0; y < stain.Size; y++)
            for (int x = 0; x < stain.Size; x++)
            {
                int at = (y * stain.Size) + x;
                if (shown[at] <= (byte)SynthClass.Fat)
                    continue;
                stain.Haematoxylin[at] *= HaematoxylinMean / haematoxylin[shown[at]] * MathF.Exp(0.38f * driftH.Rough(x / 420f, y / 420f));
                stain.Eosin[at] *= EosinMean / eosin[shown[at]] * MathF.Exp(0.30f * driftE.Rough(x / 420f, y / 420f));
            }
    }

    private static (float[] Haematoxylin, float[] Eosin) Means(StainMap stain, ReadOnlySpan<byte> shown)
    {
        int classes = Enum.GetValues<SynthClass>().Length;
        double[] h = new double[classes], e = new double[classes];
        long[] counts = new long[classes];
        for (int i = 0; i < shown.Length; i++)
        {
            h[shown[i]] += stain.Haematoxylin[i];
            e[shown[i]] += stain.Eosin[i];
            counts[shown[i]]++;
        }
        return ([.. h.Select((sum, i) => (float)(sum / Math.Max(1, counts[i])))],
            [.. e.Select((sum, i) => (float)(sum / Math.Max(1, counts[i])))]);
    }
}
