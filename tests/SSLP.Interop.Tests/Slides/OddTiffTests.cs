using System.Diagnostics;
using SSLP.Interop.Slides;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>
/// TIFFs as libvips writes them, in every option that it has: each is read with the pixels that went in, or refused with a sentence.
/// </summary>
public sealed class OddTiffTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    private const int Width = 333, Height = 217;

    /// <summary>Options of tiffsave, how the picture is turned before it, and the largest difference; −1 where it may be refused.</summary>
    public static TheoryData<string, string, int> Kinds => new()
    {
        { "--tile --pyramid --compression deflate", "", 0 },
        { "--tile --pyramid --compression lzw --predictor horizontal", "", 0 },
        { "--tile --pyramid --compression none --bigtiff", "", 0 },
        { "--tile --pyramid --compression deflate --subifd", "", 0 },
        { "--tile --pyramid --compression deflate --depth onetile", "", 0 },
        { "--tile --pyramid --compression deflate --depth onepixel --tile-width 16 --tile-height 32", "", 0 },
        { "--tile --pyramid --compression deflate --properties", "", 0 },
        { "--tile --pyramid --compression jpeg --Q 98", "", 40 },
        { "--tile --pyramid --compression jpeg --Q 80 --rgbjpeg", "", 60 },
        { "--tile --compression deflate", "bandjoin_const {0} {1} 255", 0 },
        { "--tile --pyramid --compression deflate", "cast {0} {1} ushort --shift", 1 },
        { "--tile --pyramid --compression deflate", "colourspace {0} {1} b-w", -1 },
        { "--tile --pyramid --compression jpeg", "colourspace {0} {1} b-w", -1 },
        { "--tile --pyramid --compression deflate --miniswhite", "colourspace {0} {1} b-w", -1 },
        { "--tile --compression deflate --predictor none --bitdepth 1", "colourspace {0} {1} b-w", -1 },
        { "--tile --compression deflate --predictor none --bitdepth 4", "colourspace {0} {1} b-w", -1 },
        { "--tile --compression ccittfax4 --bitdepth 1", "colourspace {0} {1} b-w", -1 },
        { "--tile --compression deflate", "colourspace {0} {1} lab", -1 },
        { "--tile --compression deflate", "colourspace {0} {1} xyz", -1 },
        { "--tile --compression deflate", "colourspace {0} {1} scrgb", -1 },
        { "--tile --compression deflate", "cast {0} {1} float", -1 },
        { "--tile --compression deflate", "cast {0} {1} double", -1 },
        { "--tile --compression deflate", "cast {0} {1} int", -1 },
        { "--tile --compression deflate", "cast {0} {1} short", -1 },
        { "--tile --compression deflate --predictor none", "cast {0} {1} dpcomplex", -1 },
        { "--tile --compression packbits", "", -1 },
        { "--tile --compression zstd", "", -1 },
        { "--tile --compression webp --lossless", "", -1 },
        { "--tile --compression jp2k --lossless", "", -1 },
        { "--compression deflate", "", -1 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Is_read_or_refused_with_a_sentence(string options, string change, int most)
    {
        string path = Make(options, change);
        Slide slide;
        try
        {
            slide = Slide.Open(path);
        }
        catch (SlideException fault)
        {
            Assert.Equal(-1, most);
            Assert.StartsWith(path + ": ", fault.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', fault.Message);
            TestContext.Current.TestOutputHelper?.WriteLine(fault.Reason);
            return;
        }
        using (slide)
        {
            Assert.Equal((Width, Height), (slide.Levels[0].Width, slide.Levels[0].Height));
            Assert.Equal(0, slide.VerifyTiles(deep: true).Unreadable);
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{slide.Reader}, {slide.Levels.Count} levels, notes: {string.Join("; ", slide.Notes)}");
            if (most < 0)
                return;
            Assert.Equal(SlideReader.Embedded, slide.Reader);
            Assert.Equal(!options.Contains("--pyramid", StringComparison.Ordinal), slide.Levels.Count == 1);
            Assert.DoesNotContain(slide.Notes, note => note.Contains("left out", StringComparison.Ordinal));
            byte[] rgb = new byte[Width * Height * 3], expected = TiffFixture.Region(0, 0, 0, Width, Height);
            slide.ReadRegion(0, 0, 0, Width, Height, rgb);
            int worst = rgb.Zip(expected, (a, b) => Math.Abs(a - b)).Max();
            Assert.InRange(worst, 0, most);
        }
    }

    private string Make(string options, string change)
    {
        string name = Path.Combine(folder.Path, Guid.NewGuid().ToString("N"));
        File.WriteAllBytes(name + ".ppm",
            [.. System.Text.Encoding.ASCII.GetBytes($"P6 {Width} {Height} 255\n"), .. TiffFixture.Region(0, 0, 0, Width, Height)]);
        string from = name + ".ppm";
        if (change.Length > 0)
        {
            Vips(string.Format(System.Globalization.CultureInfo.InvariantCulture, change, from, name + ".v"));
            from = name + ".v";
        }
        Vips($"tiffsave {from} {name}.tif {options}");
        return name + ".tif";
    }

    private static void Vips(string arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("vips", arguments) { RedirectStandardError = true })!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.SkipWhen(process.ExitCode != 0, $"This libvips does not: {error.ReplaceLineEndings(" ")}");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("libvips' command is not installed on this machine (apt install libvips-tools).");
        }
    }
}
