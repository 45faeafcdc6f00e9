namespace SSLP.Interop.Slides.Jpeg2000;

/// <summary>
/// Half the resolution as JPEG 2000 means it, from whole samples: the low-pass half of the wavelet that the stream was made with (T.800
/// annex F),
/// across and then down, edges mirrored at the last sample. Sample n of the result stands on sample 2n.
/// </summary>
/// <remarks>For decoders that give a stream at its full size only, and for streams that store fewer halvings than are asked for.</remarks>
internal sealed unsafe class Jpeg2000LowPass
{
    private static readonly float[] Reversible = [0.75f, 0.25f, -0.125f];
    private static readonly float[] Irreversible = [0.602949018f, 0.266864118f, -0.078223267f, -0.016864118f, 0.026748757f];

    private readonly int[][] _halved = [[], [], []];
    private float[] _across = [];

    /// <summary>
    /// Halves a component into a buffer of this object's, one for each component; its own earlier result may be halved again.
    /// </summary>
    /// <param name="component">0 to 2.</param>
    /// <param name="reversible">The 5/3 wavelet, else the 9/7 one.</param>
    public Jpeg2000Plane Halve(Jpeg2000Plane plane, int component, bool reversible)
    {
        float[] taps = reversible ? Reversible : Irreversible;
        int width = (plane.Width + 1) / 2, height = (plane.Height + 1) / 2;
        if (_across.Length < width * plane.Height)
            _across = new float[width * plane.Height];
        for (int y = 0; y < plane.Height; y++)
        {
            int* row = plane.Samples + ((long)y * plane.Width);
            for (int x = 0; x < width; x++)
            {
                float sum = taps[0] * row[2 * x];
                for (int tap = 1; tap < taps.Length; tap++)
                    sum += taps[tap] * (row[Mirror((2 * x) - tap, plane.Width)] + row[Mirror((2 * x) + tap, plane.Width)]);
                _across[(y * width) + x] = sum;
            }
        }
        return Down(component, taps, width, plane.Height, height);
    }

    private Jpeg2000Plane Down(int component, float[] taps, int width, int rows, int height)
    {
        // Pinned for good: the plane that is handed out points into it.
        if (_halved[component].Length < width * height)
            _halved[component] = GC.AllocateUninitializedArray<int>(width * height, pinned: true);
        int[] target = _halved[component];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                float sum = taps[0] * _across[(2 * y * width) + x];
                for (int tap = 1; tap < taps.Length; tap++)
                    sum += taps[tap] * (_across[(Mirror((2 * y) - tap, rows) * width) + x]
                        + _across[(Mirror((2 * y) + tap, rows) * width) + x]);
                target[(y * width) + x] = (int)MathF.Round(sum);
            }
        }
        return new Jpeg2000Plane((int*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(target, 0), width, height);
    }

    private static int Mirror(int at, int count)
    {
        if (count == 1)
            return 0;
        while (at < 0 || at >= count)
            at = at < 0 ? -at : (2 * (count - 1)) - at;
        return at;
    }
}
