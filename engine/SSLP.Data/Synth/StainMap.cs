namespace SSLP.Data.Synth;

/// <summary>Amounts of the two stains at every pixel of a slide, in optical density units; row by row, Size × Size.</summary>
internal sealed class StainMap(int size)
{
    public int Size { get; } = size;

    public float[] Haematoxylin { get; } = new float[size * size];

    public float[] Eosin { get; } = new float[size * size];
}
