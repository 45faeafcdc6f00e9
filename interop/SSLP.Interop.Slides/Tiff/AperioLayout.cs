namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// Aperio SVS: tiled images are levels, images in strips stand beside them, the description is "…header…|AppMag = 20|MPP = 0.4990|…".
/// </summary>
internal static class AperioLayout
{
    private const string Mark = "Aperio";

    private static readonly string[] Besides = ["label", "macro", "thumbnail"];

    public static bool Marks(TiffDirectory first) =>
        first.Text(TiffTag.ImageDescription, Mark.Length)?.Equals(Mark, StringComparison.Ordinal) == true;

    public static void Fill(TiffLayout layout)
    {
        var levels = new List<TiffDirectory>();
        for (int i = 0; i < layout.Directories.Count; i++)
        {
            TiffDirectory directory = layout.Directories[i];
            bool tiled = TiledImage.IsTiled(directory);
            string name = i == 0 ? "" : NameOf(layout, directory);
            if (tiled && !Besides.Contains(name))
                levels.Add(directory);
            else
                // The second image of an SVS is its thumbnail.
                layout.AddAssociated(i == 1 && !tiled ? "thumbnail" : name, directory);
        }
        if (levels.Count == 0)
            throw GenericLayout.NoTiles(layout);
        PyramidLevels.Fill(layout, levels.OrderByDescending(GenericLayout.Area));
        string description = layout.Directories[0].Text(TiffTag.ImageDescription) ?? "";
        AddProperties(layout, description);
        layout.AddTags(layout.Directories[0], description: true);
    }

    /// <summary>Images but the first two are named by the second line of their description: "label 387x463".</summary>
    private static string NameOf(TiffLayout layout, TiffDirectory directory)
    {
        try
        {
            string? line = directory.Text(TiffTag.ImageDescription)?.Split('\n').ElementAtOrDefault(1)?.Trim();
            return line?.Split(' ')[0] ?? "";
        }
        catch (SlideException)
        {
            // Its description lies outside of the file.
            layout.Notes.Add("has an image whose name can't be read");
            return "";
        }
    }

    private static void AddProperties(TiffLayout layout, string description)
    {
        foreach (string part in description.Split('|').Skip(1))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
                Add(part[..equals].Trim(), part[(equals + 1)..].Trim());
        }

        void Add(string name, string value)
        {
            layout.Properties["aperio." + name] = value;
            // Every one that stands there: two may contradict each other. Converters write it small.
            if (name.Equals("MPP", StringComparison.OrdinalIgnoreCase))
                layout.Sizes.Add(value, "aperio.MPP");
        }
    }
}
