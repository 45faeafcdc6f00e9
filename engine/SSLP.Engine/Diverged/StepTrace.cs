using SSLP.Engine.Methods;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Diverged;

/// <summary>A place that a step's numbers pass.</summary>
/// <param name="Place">Its name: "input, view 0", "backbone.layer1", "loss, self", "gradient of head.layers.0.weight".</param>
/// <param name="Count">Numbers there.</param>
/// <param name="NotFinite">How many of them are NaN or infinite.</param>
/// <param name="Least">The least finite one; NaN where there is none.</param>
/// <param name="Largest">The largest finite one; NaN where there is none.</param>
public sealed record TracedPlace(string Place, long Count, long NotFinite, double Least, double Largest);

/// <summary>One step's forward, loss and backward, looked into.</summary>
/// <param name="Terms">The losses.</param>
/// <param name="GradientNorm">Of all gradients; NaN where there are none.</param>
/// <param name="Places">In the order in which numbers come to be: state, input, stages, logits, losses, gradients from the last layer to
/// the first, batch statistics.</param>
public sealed record StepTrace(StepTerms Terms, double GradientNorm, IReadOnlyList<TracedPlace> Places)
{
    /// <summary>The first place with a number that is not finite; null where there is none.</summary>
    public TracedPlace? First => Places.FirstOrDefault(place => place.NotFinite > 0);

    /// <summary>Runs the step; weights and bank stay as they are, batch statistics do not.</summary>
    /// <param name="method">With its networks in training mode and no gradients left of another step.</param>
    /// <param name="batch">The step.</param>
    /// <param name="guard">Of the method.</param>
    /// <param name="temperature">τ, for the logits.</param>
    internal static StepTrace Of(Method method, TrainingBatch batch, StepGuard guard, double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        List<TracedPlace> places =
            [.. Summed("weights and batch statistics before the step", guard.State, name => $"{name} before the step")];
        for (int view = 0; view < batch.Views.Count; view++)
            places.Add(Measure($"input, view {view}", batch.Views[view]));
        int forward = places.Count;
        StepTerms terms;
        Observe(method, (name, values) => Merge(places, forward, Measure(name, values)));
        try
        {
            terms = method.Step(batch with { IsWatched = true });
        }
        finally
        {
            Observe(method, null);
        }
        // Features that are not finite are compared with nothing, and what the method compared is then of another step.
        if (places.TrueForAll(place => place.NotFinite == 0) && method.Compared is { } compared)
            places.AddRange(Logits(compared, temperature));
        places.AddRange([Number("loss, self", terms.Self), Number("loss, intra", terms.Intra), Number("loss, inter", terms.Inter),
            Number("loss", terms.Loss)]);
        (string, Tensor)[] gradients =
            [.. guard.Learned.Reverse().Where(p => p.Value.grad is not null).Select(p => (p.Name, p.Value.grad!))];
        double norm = gradients.Length == 0 ? double.NaN : guard.GradientNorm();
        if (gradients.Length > 0)
            places.AddRange([.. Summed("gradients", gradients, name => $"gradient of {name}"), Number("norm of all gradients", norm)]);
        places.AddRange(Summed("batch statistics after the step", guard.Statistics, name => $"{name} after the step"));
        return new(terms, norm, places);
    }

    private static void Observe(Method method, Action<string, Tensor>? seen)
    {
        foreach ((string prefix, Encoder network) in method.Networks)
        {
            network.Backbone.Seen = seen is null ? null : (stage, values) => seen($"{prefix}backbone.{stage}", values);
            network.Head.Seen = seen is null ? null : (stage, values) => seen($"{prefix}head.{stage}", values);
        }
    }

    /// <summary>f·v/τ against what each is to be near, and against the keys.</summary>
    private static IEnumerable<TracedPlace> Logits(ComparedFeatures compared, double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor f = tensor(compared.Features).reshape(-1, compared.Width), own = tensor(compared.Positives).reshape(-1, compared.Width);
        yield return Measure("logits with the own key", (f * own).sum(1).Over(temperature));
        if (compared.Keys.Length > 0)
            yield return Measure("logits with a sample of the keys",
                f.matmul(tensor(compared.Keys).reshape(-1, compared.Width).t()).Over(temperature));
    }

    /// <summary>One place for all where all are finite, else one for each that is not.</summary>
    private static IEnumerable<TracedPlace> Summed(string all, IEnumerable<(string Name, Tensor Value)> tensors, Func<string, string> place)
    {
        TracedPlace[] each = [.. tensors.Select(t => Measure(place(t.Name), t.Value))];
        TracedPlace[] bad = [.. each.Where(p => p.NotFinite > 0)];
        return bad.Length > 0 || each.Length == 0 ? bad : [each.Aggregate((a, b) => Joined(a, b)) with { Place = all }];
    }

    /// <summary>A stage that runs several times in a step is one place.</summary>
    private static void Merge(List<TracedPlace> places, int from, TracedPlace place)
    {
        int at = places.FindIndex(from, p => p.Place == place.Place);
        if (at < 0)
            places.Add(place);
        else
            places[at] = Joined(places[at], place);
    }

    private static TracedPlace Joined(TracedPlace a, TracedPlace b) => new(
        a.Place, a.Count + b.Count, a.NotFinite + b.NotFinite, double.MinNumber(a.Least, b.Least), double.MaxNumber(a.Largest, b.Largest));

    private static TracedPlace Number(string place, double value) =>
        double.IsFinite(value) ? new(place, 1, 0, value, value) : new(place, 1, 1, double.NaN, double.NaN);

    private static TracedPlace Measure(string place, Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor x = values.detach().to(ScalarType.Float32), finite = x.isfinite();
        long count = x.numel(), good = finite.sum().item<long>();
        if (good == 0)
            return new(place, count, count, double.NaN, double.NaN);
        Tensor known = good == count ? x : x.masked_select(finite);
        return new(place, count, count - good, known.min().item<float>(), known.max().item<float>());
    }
}
