using SSLP.Data.Files;
using SSLP.Engine.Model;
using SSLP.Engine.Weights;
using TorchSharp.Modules;

namespace SSLP.Engine.Training;

/// <summary>Network and optimizer to and from a checkpoint.</summary>
internal static class TrainingState
{
    private const string EncoderPrefix = "encoder.", OptimizerName = "optimizer.sgd";

    public static IEnumerable<SafetensorsItem> ToItems(this Encoder encoder) =>
        encoder.state_dict().Select(pair => SafetensorsItem.CopyOf(EncoderPrefix + pair.Key, pair.Value));

    public static void LoadFrom(this Encoder encoder, SafetensorsFile file)
    {
        StateCopy copy = StateCopy.Into(encoder.state_dict(), file, name => name.StartsWith(EncoderPrefix, StringComparison.Ordinal) ? name[EncoderPrefix.Length..] : null);
        if (copy.Missing.Count + copy.WrongShape.Count > 0)
            throw new Fault(FaultKind.Data, $"'{file.Path}' does not hold this network. {copy.Summary}");
    }

    /// <summary>TorchSharp's own serialisation of the optimizer, as bytes: momentum buffers and step counts.</summary>
    public static SafetensorsItem ToItem(this SGD optimizer)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream))
            optimizer.save_state_dict(writer);
        byte[] bytes = stream.ToArray();
        return SafetensorsItem.From<byte>(OptimizerName, bytes, bytes.Length);
    }

    public static void LoadFrom(this SGD optimizer, SafetensorsFile file)
    {
        var bytes = new byte[file.Entries[OptimizerName].Bytes];
        file.ReadBytes(OptimizerName, bytes);
        using var reader = new BinaryReader(new MemoryStream(bytes));
        optimizer.load_state_dict(reader);
    }

    public static void SetLearningRate(this SGD optimizer, double rate)
    {
        foreach (var group in optimizer.ParamGroups)
            group.LearningRate = rate;
    }
}
