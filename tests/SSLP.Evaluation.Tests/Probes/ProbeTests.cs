using System.Globalization;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;
using SSLP.Evaluation.Tests.Features;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Evaluation.Tests.Probes;

public sealed class ProbeTests : IDisposable
{
    private static readonly KernelSet Kernels = new(KernelBackend.Cpu, threads: 2);

    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-probe").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_probe_finds_separate_classes_and_none_finds_noise()
    {
        foreach ((float separation, double least, double most) in new[] { (30f, 0.99, 1.0), (0f, 0.2, 0.45) })
        {
            ProbeTask task = Task(TissueLikeFeatures.Make(12, 40, 9, 3, seed: 1, separation));
            foreach (ProbeResult result in Results(task))
                Assert.InRange(result.BalancedAccuracy.Value, least, most);
        }
    }

    [Fact]
    public void Results_say_what_they_were_measured_on_and_survive_json()
    {
        ProbeTask task = Task(TissueLikeFeatures.Make(12, 40, 9, 3, seed: 1));
        ProbeResult[] results = [.. Results(task)];
        Assert.All(results, r => Assert.Equal((360, 9, 120, 3), (r.TrainPatches, r.TrainSlides, r.TestPatches, r.TestSlides)));
        Assert.All(results, r => Assert.Equal(120, r.Confusion.Sum(row => row.Sum())));
        Assert.All(results, r => Assert.True(r.Accuracy.Low <= r.Accuracy.Value && r.Accuracy.Value <= r.Accuracy.High));
        string json = ProbeJson.Write(results);
        Assert.Contains("\"balanced_accuracy\": {", json);
        Assert.Equal(json, ProbeJson.Write(ProbeResults.Read(json)));
        Assert.Equal(2 + results.Length, ProbeTable.Text(results).Count(c => c == '\n'));
    }

    [Theory]
    [InlineData("slides", "120 / 3")]
    [InlineData("patients", "120 / 3 of 2 patients")]
    [InlineData("patches", "120 patches, not slides")]
    public void The_intervals_say_what_they_were_drawn_of(string unit, string said)
    {
        FeatureTable features = TissueLikeFeatures.Make(12, 40, 9, 3, seed: 1);
        PatchTable t = features.Patches;
        // The judged slides are 0, 4 and 8; two of them are of one patient.
        PatchTable table = unit == "patients"
            ? t.WithPatients([.. Enumerable.Range(0, 12).Select(slide => slide == 8 ? "P0" : $"P{slide}")]) : t;
        if (unit == "patches")
            table = new PatchTable([.. Enumerable.Range(0, t.Count).Select(i => $"{i}.png")], Enumerable.Range(0, t.Count).ToArray(),
                t.Col.ToArray(), t.Row.ToArray(),
                new CategoryColumn(t.Classes!, t.LabelOf.ToArray()), new CategoryColumn(t.Splits!, t.SplitOf.ToArray()), false)
            { HasSlides = false };
        ProbeResult result = LinearProbe.Logistic(Task(new FeatureTable(table, features.Values, features.Width, "f")));
        Assert.Equal(said, ProbeTable.Cells(result)[^1]);
        Assert.Equal(unit, result.Unit);
        Assert.Equal(unit switch { "slides" => 3, "patients" => 2, _ => 120 }, result.TestUnits);
        Assert.Contains($"\"unit\": \"{unit}\"", ProbeJson.Write([result]));
        Assert.Equal(result.TestUnits, ProbeResults.Read(ProbeJson.Write([result]))[0].TestUnits);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void Logistic_regression_agrees_with_scikit_learn(int classes)
    {
        Python.SkipUnless("sklearn", "numpy");
        FeatureTable features = TissueLikeFeatures.Make(24, 50, 17, classes, seed: classes);
        ProbeTask task = Task(features);
        string train = Path.Combine(_folder, "train.npy"), test = Path.Combine(_folder, "test.npy");
        TablePatches.WriteNpy(train, task.Train);
        TablePatches.WriteNpy(test, task.Test);
        double[] sweep = [1e-4, 1e-2, 1];
        string[] theirLines = Python.Run(
            """
            import sys, numpy
            from sklearn.linear_model import LogisticRegression
            from sklearn.preprocessing import StandardScaler
            x, z = numpy.load(sys.argv[1]).astype("f8"), numpy.load(sys.argv[2]).astype("f8")
            y, s = numpy.array(eval(sys.argv[3])), StandardScaler().fit(x)
            for l2 in eval(sys.argv[4]):
                m = LogisticRegression(C=1 / (l2 * len(x)), multi_class="multinomial", tol=1e-10, max_iter=100000).fit(s.transform(x), y)
                print(*m.predict_proba(s.transform(z)).ravel())
            """, train, test, $"[{string.Join(',', task.TrainLabels)}]",
            string.Create(CultureInfo.InvariantCulture, $"[{string.Join(',', sweep)}]"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        IReadOnlyDictionary<double, LogisticRegression> path = LogisticRegression.FitPath(task.Train, task.TrainLabels, classes, sweep);
        foreach ((double l2, string line) in sweep.Zip(theirLines))
        {
            float[] ours = path[l2].Probabilities(task.Test);
            float[] theirs = [.. line.Split(' ').Select(v => float.Parse(v, CultureInfo.InvariantCulture))];
            Assert.True(path[l2].Converged);
            double worst = ours.Zip(theirs, (a, b) => Math.Abs(a - b)).Max();
            Assert.True(worst < 1e-3, $"l2 {l2}: probabilities differ by {worst}");
            double accuracy = Accuracy(ours, task), theirAccuracy = Accuracy(theirs, task);
            Assert.True(Math.Abs(accuracy - theirAccuracy) <= 0.005, $"l2 {l2}: accuracy {accuracy} here, {theirAccuracy} there");
        }
    }

    [Fact]
    public void The_sweep_prefers_regularisation_where_there_is_more_noise_than_data()
    {
        ProbeTask noisy = Task(TissueLikeFeatures.Make(8, 12, 60, 2, seed: 4, separation: 0.2f));
        ProbeTask plain = Task(TissueLikeFeatures.Make(24, 60, 5, 2, seed: 4, separation: 2));
        Assert.True(L2Of(LinearProbe.Logistic(noisy)) > L2Of(LinearProbe.Logistic(plain)));

        static double L2Of(ProbeResult result) => double.Parse(result.Setting.Split('=', ' ')[1], CultureInfo.InvariantCulture);
    }

    [Fact]
    public void Nearest_keys_over_many_blocks_are_those_of_plain_loops()
    {
        FeatureTable keys = TissueLikeFeatures.Make(130, 130, 7, 2, seed: 9),
            queries = keys.Select([.. Enumerable.Range(0, 5).Select(i => i * 3_301)]);
        (float[] similarities, int[] neighbours) = KnnProbe.Nearest(queries, keys, 11, Kernels);
        // Two norms and a dot product of 7 terms, each rounded to float.
        double tolerance = 3 * (7 + 2) * Math.Pow(2, -24);
        for (int q = 0; q < queries.Count; q++)
        {
            double[] plain = [.. Enumerable.Range(0, keys.Count).Select(j => Cosine(queries.Row(q), keys.Row(j)))];
            double[] expected = [.. plain.OrderDescending().Take(11)];
            for (int rank = 0; rank < 11; rank++)
            {
                Assert.Equal(expected[rank], similarities[q * 11 + rank], tolerance);
                Assert.Equal(expected[rank], plain[neighbours[q * 11 + rank]], tolerance);
            }
        }
    }

    [Fact]
    public void Neighbours_vote_with_the_exponential_of_their_similarity()
    {
        PatchTable patches = new(
            ["a", "b"], new[] { 0, 0, 0, 1 }, new[] { 0, 1, 2, 0 }, new[] { 0, 0, 0, 0 },
            new CategoryColumn(["x", "y"], new[] { 0, 1, 1, 0 }), new CategoryColumn(["train", "test"], new[] { 0, 0, 0, 1 }));
        // Similarities 1, 0.9, 0.9: one near vote of 1 against two of exp(−0.1 / 0.07) = 0.24 each.
        float side = MathF.Sqrt(1 - 0.81f);
        ProbeTask task = Task(new FeatureTable(patches, [5, 0, 0.9f, side, 0.9f, -side, 2, 0], 2, "three"));
        Assert.Equal(1, Assert.Single(KnnProbe.Run(task, Kernels, [3, 100])).Accuracy.Value);
        Assert.Contains("No k fits", Assert.Throws<Fault>(() => KnnProbe.Run(task, Kernels, [4])).Message);
    }

    [Fact]
    public void A_zero_row_votes_without_a_nan_and_a_nan_row_is_refused()
    {
        FeatureTable features = TissueLikeFeatures.Make(8, 10, 4, 2, seed: 2);
        Array.Clear(features.Values, 0, 4);
        Assert.All(KnnProbe.Run(Task(features), Kernels, [10]), r => Assert.True(double.IsFinite(r.Auc!.Value)));
        features.Values[5] = float.NaN;
        Assert.Contains("1 of", Assert.Throws<Fault>(() => Task(features)).Message);
    }

    private static ProbeTask Task(FeatureTable features) => new(features, ProbeSplit.Of(features.Patches));

    private static IEnumerable<ProbeResult> Results(ProbeTask task) =>
        [LinearProbe.Sgd(task, new SgdProbeOptions(LearningRate: 0.003, Epochs: 30)), LinearProbe.Logistic(task),
            .. KnnProbe.Run(task, Kernels, [10, 20])];

    private static double Accuracy(float[] scores, ProbeTask task) => new MetricScorer(task.TestLabels, scores, task.Classes.Count)
        .Score().Accuracy;

    private static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double dot = 0, aa = 0, bb = 0;
        for (int i = 0; i < a.Length; i++)
            (dot, aa, bb) = (dot + (double)a[i] * b[i], aa + (double)a[i] * a[i], bb + (double)b[i] * b[i]);
        return dot / Math.Sqrt(aa * bb);
    }
}
