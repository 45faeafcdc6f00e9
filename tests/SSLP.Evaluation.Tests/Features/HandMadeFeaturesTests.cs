using System.Globalization;
using System.IO.Compression;
using SSLP.Data.Patches;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Evaluation.Tests.Features;

public sealed class HandMadeFeaturesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-handmade").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_flat_patch_has_its_colour_and_no_texture()
    {
        using Painted source = new(13, (_, _) => (51, 102, 204));
        Assert.Equal([0.2f, 0.4f, 0.8f], HandMadeFeatures.MeanColour(source).Row(0).ToArray());
        float[] f = HandMadeFeatures.ColourAndTexture(source).Row(0).ToArray();
        Assert.Equal(65, f.Length);
        foreach ((int channel, float mean) in new[] { (0, 0.2f), (1, 0.4f), (2, 0.8f), (3, 0.75f) })
        {
            Assert.Equal(mean, f[8 * channel], 6);
            Assert.Equal(0, f[8 * channel + 1], 6);
            Assert.Equal(0, f[8 * channel + 2], 6);
            Assert.All(f[(8 * channel + 3)..(8 * channel + 8)], quantile => Assert.Equal(mean, quantile, 6));
        }

        Assert.All(f[48..55], texture => Assert.Equal(0, texture, 6));
        Assert.Equal(1, f[55 + 8]);
    }

    [Fact]
    public void A_ramp_has_its_slope_at_every_scale_and_no_curvature()
    {
        using Painted source = new(21, (x, _) => ((byte)(10 * x), (byte)(10 * x), (byte)(10 * x)));
        float[] f = HandMadeFeatures.ColourAndTexture(source).Row(0).ToArray();
        for (int scale = 0; scale < 3; scale++)
        {
            Assert.Equal(10f / 255, f[48 + 2 * scale], 5);
            Assert.Equal(0, f[48 + 2 * scale + 1], 5);
        }

        Assert.Equal(0, f[54], 5);
    }

    [Fact]
    public void The_stains_are_told_apart()
    {
        // Ruifrok and Johnston's own directions in optical density: one patch of pure haematoxylin, one of pure eosin.
        static byte Transmitted(double density) => (byte)Math.Round(255 * Math.Pow(10, -density));
        using Painted blue = new(9, (_, _) => (Transmitted(0.65), Transmitted(0.70), Transmitted(0.29)));
        using Painted pink = new(9, (_, _) => (Transmitted(0.07), Transmitted(0.99), Transmitted(0.11)));
        float[] h = HandMadeFeatures.ColourAndTexture(blue).Row(0).ToArray(), e = HandMadeFeatures.ColourAndTexture(pink).Row(0).ToArray();
        Assert.Equal(1, h[32], 1);
        Assert.Equal(0, h[40], 1);
        Assert.Equal(0, e[32], 1);
        Assert.Equal(1, e[40], 1);
    }

    [Fact]
    public void On_real_tissue_texture_beats_colour_and_scikit_learn_finds_the_same_accuracy()
    {
        Python.SkipUnless("sklearn", "numpy");
        ZipFile.ExtractToDirectory(TestData.Path("labelled", "idc", "idc_sparse.zip"), _folder);
        using var source =
            PatchFolder.Open(Path.GetDirectoryName(Directory.GetFiles(_folder, "patches.csv", SearchOption.AllDirectories)[0])!);
        FeatureTable features = HandMadeFeatures.ColourAndTexture(source);
        ProbeTask task = new(features, ProbeSplit.Of(source.Table));
        ProbeResult texture = LinearProbe.Logistic(task);
        ProbeResult colour = LinearProbe.Logistic(new ProbeTask(HandMadeFeatures.MeanColour(source), ProbeSplit.Of(source.Table)));
        TestContext.Current.TestOutputHelper!.WriteLine(ProbeTable.Text([colour, texture]));
        Assert.True(texture.Auc!.Value > colour.Auc!.Value + 0.01);
        Assert.InRange(texture.Auc.Value, 0.89, 0.95);

        double l2 = double.Parse(texture.Setting.Split('=')[1], CultureInfo.InvariantCulture);
        Assert.Equal(AccuracyByScikitLearn(task, l2), texture.Accuracy.Value, 0.005);
    }

    private double AccuracyByScikitLearn(ProbeTask task, double l2)
    {
        string train = Path.Combine(_folder, "train.npy"), test = Path.Combine(_folder, "test.npy"),
            labels = Path.Combine(_folder, "labels.txt");
        TablePatches.WriteNpy(train, task.Train);
        TablePatches.WriteNpy(test, task.Test);
        File.WriteAllLines(labels, [string.Join(' ', task.TrainLabels), string.Join(' ', task.TestLabels)]);
        string output = Python.Run(
            """
            import sys, numpy
            from sklearn.linear_model import LogisticRegression
            from sklearn.preprocessing import StandardScaler
            x, z = numpy.load(sys.argv[1]).astype("f8"), numpy.load(sys.argv[2]).astype("f8")
            y, t = (numpy.array(line.split(), int) for line in open(sys.argv[3]))
            s = StandardScaler().fit(x)
            m = LogisticRegression(C=1 / (float(sys.argv[4]) * len(x)), multi_class="multinomial", max_iter=10000).fit(s.transform(x), y)
            print(m.score(s.transform(z), t))
            """, train, test, labels, l2.ToString(CultureInfo.InvariantCulture));
        return double.Parse(output, CultureInfo.InvariantCulture);
    }

    private sealed class Painted(int side, Func<int, int, (byte R, byte G, byte B)> paint) : IPatchSource
    {
        public PatchTable Table { get; } = new(["s"], new[] { 0 }, new[] { 0 }, new[] { 0 });

        public int PatchSize => side;

        public double? Mpp => null;

        public string Describe => "painted";

        public void Read(int patch, Span<byte> rgb)
        {
            for (int i = 0; i < side * side; i++)
                (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) = paint(i % side, i / side);
        }

        public void Dispose()
        {
        }
    }
}
