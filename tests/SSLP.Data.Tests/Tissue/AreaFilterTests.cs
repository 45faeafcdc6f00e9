using CsCheck;
using SSLP.Data.Tissue;
using Xunit;

namespace SSLP.Data.Tests.Tissue;

public sealed class AreaFilterTests
{
    [Fact]
    public void Shrinking_is_the_covered_mean_at_any_rational_scale_and_phase()
    {
        Gen.Select(Gen.Int[3, 40], Gen.Double[1, 7], Gen.Double[0, 0.999], Gen.Int[0, int.MaxValue]).Sample((outputs, scale, phase, seed) =>
        {
            int size = (int)Math.Ceiling(phase + (outputs * scale));
            byte[] source = Noise(size, seed), actual = new byte[outputs * outputs * 3];
            var axis = new AreaAxis(outputs, phase, scale, size);
            AreaFilter.Resample(source, size, axis, axis, actual);
            for (int i = 0; i < actual.Length; i += 7)
                Assert.InRange(actual[i] - CoveredMean(source, size, outputs, phase, scale, i), -0.51, 0.51);
        }, iter: 60);
    }

    [Fact]
    public void Keeps_a_flat_image_flat_when_shrinking_and_enlarging()
    {
        foreach (double scale in (double[])[0.31, 0.5, 0.999, 1, 1.7, 2, 5.31])
        {
            int size = (int)Math.Ceiling(11 * scale) + 1;
            byte[] source = new byte[size * size * 3];
            source.AsSpan().Fill(201);
            byte[] rgb = new byte[11 * 11 * 3];
            var axis = new AreaAxis(11, 0.4, scale, size);
            AreaFilter.Resample(source, size, axis, axis, rgb);
            Assert.All(rgb, value => Assert.Equal(201, value));
        }
    }

    [Fact]
    public void Scale_one_without_phase_copies()
    {
        byte[] source = Noise(9, 3), rgb = new byte[9 * 9 * 3];
        var axis = new AreaAxis(9, 0, 1, 9);
        AreaFilter.Resample(source, 9, axis, axis, rgb);
        Assert.Equal(source, rgb);
    }

    [Fact]
    public void A_grid_of_single_pixels_does_not_alias_to_black_or_white()
    {
        const int Size = 64;
        byte[] source = new byte[Size * Size * 3];
        for (int y = 0; y < Size; y++)
            for (int x = 0; x < Size; x++)
                source.AsSpan(((y * Size) + x) * 3, 3).Fill((byte)((x + y) % 2 * 255));
        byte[] rgb = new byte[16 * 16 * 3];
        var axis = new AreaAxis(16, 0, 4, Size);
        AreaFilter.Resample(source, Size, axis, axis, rgb);
        Assert.All(rgb, value => Assert.InRange(value, 127, 128));
    }

    /// <summary>Mean over the covered interval by plain double loops over every source pixel.</summary>
    private static double CoveredMean(byte[] source, int size, int outputs, double phase, double scale, int at)
    {
        (int pixel, int channel) = Math.DivRem(at, 3);
        (int row, int col) = Math.DivRem(pixel, outputs);
        double sum = 0, area = 0;
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++)
            {
                double covered = Overlap(x, phase + (col * scale), scale) * Overlap(y, phase + (row * scale), scale);
                sum += covered * source[(((y * size) + x) * 3) + channel];
                area += covered;
            }
        return sum / area;
    }

    private static double Overlap(int pixel, double low, double length) =>
        Math.Max(0, Math.Min(pixel + 1, low + length) - Math.Max(pixel, low));

    private static byte[] Noise(int size, int seed)
    {
        byte[] bytes = new byte[size * size * 3];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
