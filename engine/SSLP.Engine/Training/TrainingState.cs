using SSLP.Data.Files;
using SSLP.Engine.Model;
using SSLP.Engine.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

/// <summary>The network to and from a checkpoint; the rate of torch's optimizer.</summary>
internal static class TrainingState
{
    private const string EncoderPrefix = "encoder.";

    /// <summary>Weights and batch statistics, by their names in a checkpoint.</summary>
    public static IEnumerable<(string Name, Tensor Value)> State(this Encoder encoder) =>
        encoder.state_dict().Select(pair => (EncoderPrefix + pair.Key, pair.Value));

    public static void LoadFrom(this Encoder encoder, SafetensorsFile file)
    {
        var copy = StateCopy.Into(encoder.state_dict(), file, name => name.StartsWith(EncoderPrefix, StringComparison.Ordinal)
            ? name[EncoderPrefix.Length..] : null);
        if (copy.Missing.Count + copy.WrongShape.Count > 0)
            throw new Fault(FaultKind.Data, $"'{file.Path}' does not hold this network. {copy.Summary}");
    }

    public static void SetLearningRate(this SGD optimizer, double rate)
    {
        foreach (optim.ILearningRateController group in optimizer.ParamGroups)
            group.LearningRate = rate;
    }
}
