namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// Aperio SVS: tiled images are levels, images in strips stand beside them, the description is "…header…|AppMag = 20|MPP = 0.4990|…".
/// </summary>
internal static class AperioLayout
{
    private const string Mark = "Aperio", Thumbnail = "thumbnail";

    private static readonly string[] Besides = ["label", "macro", Thumbnail];

    public static bool Marks(TiffDirectory first) =>
        first.Text(TiffTag.ImageDescription, Mark.Length)?.Equals(Mark, StringComparison.Ordinal) == true;

    public static void Fill(TiffLayout layout)
    {
        var levels = new List<TiffDirectory>();
        for (int i = 0; i < layout.Directories.Count; i++)
        {
            TiffDirectory directory = layout.Directories[i];
            string name = NameOf(layout, directory);
            if (TiledImage.IsTiled(directory) && !Besides.Contains(name))
                levels.Add(directory);
            else
                layout.AddAssociated(Besides.Contains(name) || i > 1 ? name : Thumbnail, directory);
        }
        if (levels.Count == 0)
            throw GenericLayout.NoTiles(layout);
        // Converters change the order of images; a macro that has more pixels than the pyramid is no level of it.
        TiffDirectory finest = GenericLayout.FirstOrLarger(layout, levels);
        PyramidLevels.Fill(layout, [finest, .. levels.Where(level => level != finest)]);
        AddProperties(layout, finest);
        if (!layout.Sizes.HasAny && finest != layout.Directories[0])
            AddProperties(layout, layout.Directories[0]);
        layout.AddTags(finest, description: true);
    }

    /// <summary>
    /// Images beside the pyramid are named by the second line of their description: "label 387x463"; a thumbnail's has its sizes there.
    /// </summary>
    private static string NameOf(TiffLayout layout, TiffDirectory directory)
    {
        try
        {
            string? line = directory.Text(TiffTag.ImageDescription)?.Split('\n').ElementAtOrDefault(1)?.Trim();
            string name = line?.Split(' ')[0].ToLowerInvariant() ?? "";
            return name.Length > 0 && char.IsAsciiDigit(name[0]) && !TiledImage.IsTiled(directory) ? Thumbnail : name;
        }
        catch (SlideException)
        {
            // Its description lies outside of the file.
            layout.Notes.Add("has an image whose name can't be read");
            return "";
        }
    }

    private static void AddProperties(TiffLayout layout, TiffDirectory directory)
    {
        string description = directory.Text(TiffTag.ImageDescription) ?? "";
        foreach (string part in description.Split('|').Skip(1))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
                Add(part[..equals].Trim(), part[(equals + 1)..].Trim());
        }
        // By other separators than Aperio's.
        if (!layout.Sizes.HasAny)
            GenericLayout.AddWritten(layout, description, "aperio.MPP");

        void Add(string name, string value)
        {
            layout.Properties.TryAdd("aperio." + name, value);
            // Every one that stands there: two may contradict each other. Converters write it small.
            if (name.Equals("MPP", StringComparison.OrdinalIgnoreCase))
                layout.Sizes.Add(value, "aperio.MPP");
        }
    }
}
