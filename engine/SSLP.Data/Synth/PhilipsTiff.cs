using System.Globalization;
using System.Text;
using BitMiracle.LibTiff.Classic;

namespace SSLP.Data.Synth;

/// <summary>
/// Writes slides as Philips' scanners do: JPEG tiles, every level padded to whole tiles, the pixel spacing of each level only in the XML of
/// the first image's description, tiles of regions that were not scanned left out, label and macro as base64 in the XML. OpenSlide opens
/// them as "philips".
/// </summary>
/// <param name="Width">Columns of level 0, px; the file has whole tiles of it.</param>
/// <param name="Height">Rows of level 0, px.</param>
/// <param name="MppX">µm per level-0 pixel across.</param>
/// <param name="MppY">µm per level-0 pixel down.</param>
internal sealed record PhilipsTiff(int Width, int Height, double MppX = 0.25, double MppY = 0.25)
{
    public int TileSide { get; init; } = 512;

    /// <summary>JPEG quality, 1 … 100.</summary>
    public int Quality { get; init; } = 80;

    public bool Big { get; init; }

    public bool BigEndian { get; init; }

    /// <summary>Levels; they end before this where a level fits a tile.</summary>
    public int MostLevels { get; init; } = 10;

    /// <summary>Whether a tile (level, column, row) is left out.</summary>
    public Func<int, int, int, bool> IsAbsent { get; init; } = (_, _, _) => false;

    /// <summary>JPEG of the label, put into the XML.</summary>
    public byte[]? Label { get; init; }

    /// <summary>Changes the XML before it is written.</summary>
    public Func<string, string> Edit { get; init; } = xml => xml;

    /// <summary>Columns of level 0 as the file has them: whole tiles.</summary>
    public int PaddedWidth => Pad(Width);

    public int PaddedHeight => Pad(Height);

    /// <summary>Levels that are written.</summary>
    public int Levels
    {
        get
        {
            int levels = 1;
            while (levels < MostLevels && Math.Max(PaddedWidth, PaddedHeight) >> (levels - 1) > TileSide)
                levels++;
            return levels;
        }
    }

    /// <param name="path">The file.</param>
    /// <param name="rgb">Level 0, Width × Height × 3 bytes.</param>
    public void Write(string path, byte[] rgb)
    {
        using Tiff tiff = Tiff.Open(path, "w" + (Big ? "8" : "") + (BigEndian ? "b" : "l"))
            ?? throw new IOException($"{path} cannot be written.");
        // Beyond the scanned field there is glass.
        (byte[] pixels, int width, int height) = (Place(rgb, Width, Height, PaddedWidth, PaddedHeight), PaddedWidth, PaddedHeight);
        for (int level = 0; level < Levels; level++)
        {
            WriteLevel(tiff, pixels, width, height, level);
            pixels = PyramidTiff.Halve(pixels, width, height, width / 2, height / 2);
            (width, height) = (width / 2, height / 2);
        }
    }

    private void WriteLevel(Tiff tiff, byte[] rgb, int width, int height, int level)
    {
        int paddedWidth = Pad(width), paddedHeight = Pad(height);
        rgb = Place(rgb, width, height, paddedWidth, paddedHeight);
        PyramidTiff.SetTiles(tiff, level == 0 ? 0 : FileType.REDUCEDIMAGE, paddedWidth, paddedHeight, TileSide);
        PyramidTiff.SetJpeg(tiff, Quality);
        tiff.SetField(TiffTag.SOFTWARE, "Philips DP v1.0");
        if (level == 0)
            tiff.SetField(TiffTag.IMAGEDESCRIPTION, Edit(Xml()));
        byte[] tile = new byte[TileSide * TileSide * 3];
        for (int y = 0; y < paddedHeight; y += TileSide)
        {
            for (int x = 0; x < paddedWidth; x += TileSide)
            {
                if (IsAbsent(level, x / TileSide, y / TileSide))
                    continue;
                for (int row = 0; row < TileSide; row++)
                    rgb.AsSpan((((y + row) * paddedWidth) + x) * 3, TileSide * 3).CopyTo(tile.AsSpan(row * TileSide * 3));
                if (tiff.WriteEncodedTile(tiff.ComputeTile(x, y, 0, 0), tile, tile.Length) < 0)
                    throw new IOException($"A tile of {tiff.FileName()} could not be written.");
            }
        }
        if (!tiff.WriteDirectory())
            throw new IOException($"The directory of {tiff.FileName()} could not be written.");
    }

    private string Xml()
    {
        var xml = new StringBuilder("""<?xml version="1.0" encoding="UTF-8" ?><DataObject ObjectType="DPUfsImport">""");
        Attribute(xml, "DICOM_MANUFACTURER", "IString", "PHILIPS");
        xml.Append("""<Attribute Name="PIM_DP_SCANNED_IMAGES" Group="0x301D" Element="0x1003" PMSVR="IDataObjectArray"><Array>""");
        if (Label is not null)
        {
            xml.Append("""<DataObject ObjectType="DPScannedImage">""");
            Attribute(xml, "PIM_DP_IMAGE_DATA", "IString", Convert.ToBase64String(Label));
            Attribute(xml, "PIM_DP_IMAGE_TYPE", "IString", "LABELIMAGE");
            xml.Append("</DataObject>");
        }
        xml.Append("""<DataObject ObjectType="DPScannedImage">""");
        Attribute(xml, "DICOM_BITS_STORED", "IUInt16", "8");
        Attribute(xml, "DICOM_PIXEL_SPACING", "IDoubleArray", Spacing(0));
        xml.Append("""<Attribute Name="PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE" Group="0x1001" Element="0x8B01" """)
            .Append("""PMSVR="IDataObjectArray"><Array>""");
        for (int level = 0; level < Levels; level++)
        {
            xml.Append("""<DataObject ObjectType="PixelDataRepresentation">""");
            Attribute(xml, "DICOM_PIXEL_SPACING", "IDoubleArray", Spacing(level));
            Attribute(xml, "PIIM_DP_PIXEL_DATA_REPRESENTATION_POSITION", "IDoubleArray", "&quot;0&quot; &quot;0&quot; &quot;0&quot;");
            Attribute(xml, "PIIM_PIXEL_DATA_REPRESENTATION_COLUMNS", "IUInt32", Text(Pad(PaddedWidth >> level)));
            Attribute(xml, "PIIM_PIXEL_DATA_REPRESENTATION_NUMBER", "IUInt16", Text(level));
            Attribute(xml, "PIIM_PIXEL_DATA_REPRESENTATION_ROWS", "IUInt32", Text(Pad(PaddedHeight >> level)));
            xml.Append("</DataObject>");
        }
        xml.Append("</Array></Attribute>");
        Attribute(xml, "PIM_DP_IMAGE_TYPE", "IString", "WSI");
        return xml.Append("</DataObject></Array></Attribute></DataObject>").ToString();
    }

    private static void Attribute(StringBuilder xml, string name, string type, string value) =>
        xml.Append(CultureInfo.InvariantCulture,
            $"""<Attribute Name="{name}" Group="0x0028" Element="0x0030" PMSVR="{type}">{value}</Attribute>""");

    /// <summary>Millimetres, rows first, rounded as the scanner rounds them.</summary>
    private string Spacing(int level)
    {
        double scale = (1 << level) / 1000.0;
        return string.Create(CultureInfo.InvariantCulture,
            $"&quot;{MppY * scale:0.#########}&quot; &quot;{MppX * scale:0.#########}&quot;");
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private int Pad(int side) => (side + TileSide - 1) / TileSide * TileSide;

    private static byte[] Place(byte[] rgb, int width, int height, int paddedWidth, int paddedHeight)
    {
        byte[] padded = new byte[paddedWidth * paddedHeight * 3];
        Array.Fill(padded, (byte)255);
        for (int y = 0; y < height; y++)
            rgb.AsSpan(y * width * 3, width * 3).CopyTo(padded.AsSpan(y * paddedWidth * 3));
        return padded;
    }
}
