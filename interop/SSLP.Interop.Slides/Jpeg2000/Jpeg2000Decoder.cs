namespace SSLP.Interop.Slides.Jpeg2000;

/// <summary>A JPEG 2000 decoder for one thread.</summary>
internal abstract class Jpeg2000Decoder
{
    private readonly Jpeg2000LowPass _lowPass = new();
    private readonly Jpeg2000Centre _centre = new();

    /// <summary>Its name, for reports.</summary>
    public abstract string Name { get; }

    /// <summary>Decodes a stream to RGB, at its own size or at one that it stores beside.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="header">What <see cref="Jpeg2000Header.Read"/> found, without a fault.</param>
    /// <param name="yCbCr">Whether its components are YCbCr and not RGB.</param>
    /// <param name="halvings">How often each side is halved, 0 for the full size. A stream that stores fewer halvings is halved on, by its
    /// wavelet.</param>
    /// <param name="rgb">Receives the rows: sides are the stream's by 2^halvings, rounded up.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <returns>Null, or why the stream can't be decoded; the span then holds anything.</returns>
    public unsafe string? Decode(ReadOnlySpan<byte> stream, in Jpeg2000Header header, bool yCbCr, int halvings, Span<byte> rgb, int stride)
    {
        int width = Halve(header.Width, halvings), height = Halve(header.Height, halvings);
        if (rgb.Length < ((height - 1L) * stride) + (3L * width))
            throw new ArgumentException($"{rgb.Length} bytes can't hold {width} × {height} RGB pixels.", nameof(rgb));
        fixed (byte* to = rgb)
            return Decode(stream[header.Start..], header, new Jpeg2000Rows(width, height, yCbCr, halvings, to, stride));
    }

    /// <summary>Decodes the components and hands them to <see cref="Write"/>.</summary>
    private protected abstract string? Decode(ReadOnlySpan<byte> codestream, in Jpeg2000Header header, in Jpeg2000Rows rows);

    /// <summary>Decoded components as rows of RGB.</summary>
    /// <param name="planes">Three components; overwritten.</param>
    /// <param name="halved">How often they are halved already.</param>
    private protected string? Write(Jpeg2000Planes planes, int halved, in Jpeg2000Header header, in Jpeg2000Rows rows)
    {
        for (int i = 0; i < header.Components && rows.Halvings > 0; i++)
        {
            for (int done = halved; done < rows.Halvings; done++)
                planes[i] = _lowPass.Halve(planes[i], i, header.Reversible);
            _centre.Apply(planes[i], rows.Halvings);
        }
        if (header.Components == 1)
            planes[1] = planes[2] = planes[0];
        int across = Math.Max(1, Ratio(rows.Width, planes[1].Width)), down = Math.Max(1, Ratio(rows.Height, planes[1].Height));
        bool fits = planes[0].Covers(rows.Width, rows.Height, 1, 1);
        for (int i = 1; i < 3; i++)
            fits &= planes[i].Covers(rows.Width, rows.Height, across, down);
        if (!fits)
            return "its JPEG 2000 bands have other sizes than its header says";
        Jpeg2000Colour.Write(planes, across, down, rows);
        return null;
    }

    public static int Halve(int side, int halvings) => (int)((side + (1L << halvings) - 1) >> halvings);

    private static int Ratio(int side, int samples) => samples < 1 ? 1 : (side + samples - 1) / samples;
}

/// <summary>Where decoded rows go.</summary>
internal readonly unsafe struct Jpeg2000Rows(int width, int height, bool yCbCr, int halvings, byte* rgb, int stride)
{
    public int Width { get; } = width;

    public int Height { get; } = height;

    public bool YCbCr { get; } = yCbCr;

    public int Halvings { get; } = halvings;

    public byte* Row(int row) => rgb + ((long)row * stride);
}

/// <summary>A component: samples of a decoder, row by row.</summary>
internal readonly unsafe struct Jpeg2000Plane(int* samples, int width, int height)
{
    public int* Samples { get; } = samples;

    public int Width { get; } = width;

    public int Height { get; } = height;

    /// <summary>Whether it has a sample for each <paramref name="across"/> × <paramref name="down"/> pixels of an image.</summary>
    public bool Covers(int width, int height, int across, int down) =>
        Samples != null && Width >= (width + across - 1) / across && Height >= (height + down - 1) / down;
}

[System.Runtime.CompilerServices.InlineArray(3)]
internal struct Jpeg2000Planes
{
    private Jpeg2000Plane _first;
}
