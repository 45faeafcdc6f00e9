using System.Text.Json;
using SSLP.Data.Patches;
using SSLP.Data.Tissue;
using SSLP.Interop.Slides;
using SSLP.Tests.Shared;

namespace SSLP.Data.Tests.Tissue;

/// <summary>
/// A slide of the test data at the mask's pixel size, and its tissue as drawn by hand: polygons in <c>truth/*.json</c>, corners as parts of
/// the slide's width and height.
/// </summary>
internal sealed record TissueTruth(SlideImage Image, double MicronsPerPixel, bool[] Tissue)
{
    private const double Microns = 8;

    /// <summary>Skips the test where the slide is not there.</summary>
    public static TissueTruth Read(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Tissue", "truth", name + ".json")));
        JsonElement root = json.RootElement;
        string path = TestData.Path(root.GetProperty("file").GetString()!.Split('/'));
        double? mpp = root.TryGetProperty("mpp", out JsonElement given) ? given.GetDouble() : null;
        (SlideImage image, double microns) = Path.GetExtension(path) == ".png" ? PlainImage(path, mpp!.Value) : OfSlide(path, mpp);
        List<(double X, double Y)[]> tissue = Polygons(root.GetProperty("tissue")), holes = Polygons(root.GetProperty("holes"));
        bool[] truth = new bool[image.Width * image.Height];
        for (int i = 0; i < truth.Length; i++)
        {
            double x = ((i % image.Width) + 0.5) / image.Width, y = ((i / image.Width) + 0.5) / image.Height;
            truth[i] = tissue.Exists(polygon => Contains(polygon, x, y)) && !holes.Exists(polygon => Contains(polygon, x, y));
        }
        return new(image, microns, truth);
    }

    /// <summary>The same tissue in other colours.</summary>
    public TissueTruth Recoloured(Func<(double R, double G, double B), (double R, double G, double B)> colour)
    {
        byte[] rgb = new byte[Image.Rgb.Length];
        for (int i = 0; i < rgb.Length; i += 3)
        {
            (double r, double g, double b) = colour((Image.Rgb[i], Image.Rgb[i + 1], Image.Rgb[i + 2]));
            (rgb[i], rgb[i + 1], rgb[i + 2]) = ((byte)Math.Clamp(r, 0, 255), (byte)Math.Clamp(g, 0, 255), (byte)Math.Clamp(b, 0, 255));
        }
        return this with { Image = new(Image.Width, Image.Height, rgb) };
    }

    /// <summary>Area of both by area of either; 1 where neither has any.</summary>
    public double IntersectionOverUnion(TissueMask mask)
    {
        int both = 0, either = 0;
        for (int i = 0; i < Tissue.Length; i++)
        {
            bool found = mask[i % Image.Width, i / Image.Width];
            both += found && Tissue[i] ? 1 : 0;
            either += found || Tissue[i] ? 1 : 0;
        }
        return either == 0 ? 1 : (double)both / either;
    }

    private static (SlideImage Image, double Microns) OfSlide(string path, double? mpp)
    {
        using var slide = Slide.Open(path);
        double own = slide.Mpp?.X ?? mpp!.Value;
        SlideImage image = Thumbnail.Read(slide, Microns / own, default).Image;
        return (image, own * slide.Levels[0].Width / image.Width);
    }

    private static (SlideImage Image, double Microns) PlainImage(string path, double mpp)
    {
        (int width, int height) = PatchImage.ReadSize(path);
        byte[] rgb = new byte[width * height * 3];
        PatchImage.Decode(path, width, height, rgb);
        int factor = (int)Math.Round(Microns / mpp);
        byte[] coarse = new byte[width / factor * (height / factor) * 3];
        AreaFilter.Resample(rgb, width, new(width / factor, 0, factor, width), new(height / factor, 0, factor, height), coarse);
        return (new(width / factor, height / factor, coarse), factor * mpp);
    }

    private static List<(double X, double Y)[]> Polygons(JsonElement list) =>
        [.. list.EnumerateArray()
            .Select(polygon => polygon.EnumerateArray().Select(point => (point[0].GetDouble(), point[1].GetDouble())).ToArray())];

    private static bool Contains((double X, double Y)[] ring, double x, double y)
    {
        bool inside = false;
        for (int i = 0, j = ring.Length - 1; i < ring.Length; j = i++)
            if (ring[i].Y > y != ring[j].Y > y && x < ring[i].X + ((y - ring[i].Y) / (ring[j].Y - ring[i].Y) * (ring[j].X - ring[i].X)))
                inside = !inside;
        return inside;
    }
}
