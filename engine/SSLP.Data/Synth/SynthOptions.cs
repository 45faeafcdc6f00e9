namespace SSLP.Data.Synth;

/// <summary>Kinds of files that synthetic slides are written as.</summary>
public enum SynthFormat
{
    /// <summary>A tiled pyramidal TIFF with JPEG tiles, its pixel size in the resolution tags.</summary>
    Tiff,

    /// <summary>As Philips' scanners write: 512-px JPEG tiles, levels padded to whole tiles, the pixel size in XML only.</summary>
    Philips,

    /// <summary>As Aperio's scanners write at their best: an SVS with JPEG 2000 tiles (33005), its pixel size in the description.</summary>
    Jpeg2000,
}

/// <summary>What synthetic slides are made.</summary>
public sealed record SynthOptions
{
    /// <summary>Number of slides. Default 8.</summary>
    public int Slides { get; init; } = 8;

    /// <summary>Every pixel and label is a function of this and the other options. Default 1.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Side of a slide's finest level, px. Default 3072: 1.5 mm.</summary>
    public int Size { get; init; } = 3072;

    /// <summary>Side of the patches that labels.csv names, px. Default 256.</summary>
    public int PatchSize { get; init; } = 256;

    /// <summary>Pixel size of those patches, µm. Default 0.5, that of the slides.</summary>
    public double Mpp { get; init; } = SyntheticSlide.Mpp;

    /// <summary>Kind of file. Default a TIFF pyramid with JPEG tiles.</summary>
    public SynthFormat Format { get; init; } = SynthFormat.Tiff;

    /// <summary>JPEG quality of the tiles, 1 … 100. Default 85.</summary>
    public int JpegQuality { get; init; } = 85;
}

/// <summary>The classes of the synthetic tissue, in the order of their index.</summary>
public enum SynthClass : byte
{
    Background,
    Fat,
    Stroma,
    Lymphocytes,
    Tumour,
}
