using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Stages;
using static TorchSharp.torch;

namespace SSLP.Engine.Methods;

/// <summary>
/// Supervised learning, the ceiling that the others are measured against: a linear classifier on the pooled features, the mean cross
/// entropy over the labelled patches of a batch, every patch with the same weight whatever its class. Patches, views, optimizer and
/// schedule are those of the other methods.
/// </summary>
/// <param name="encoder">Its linear head is the classifier: as wide as there are classes. Owned from here on.</param>
/// <param name="labels">Class of every patch, N; <see cref="PatchTable.None"/> where it has none to learn from.</param>
internal sealed class Supervised(Encoder encoder, int[] labels) : Method
{
    public override Encoder Encoder => encoder;

    public override int Views => 1;

    public override string Describe =>
        $"supervised: {encoder.Head.Width} classes, {labels.Count(label => label != PatchTable.None)} labelled patches, unweighted";

    public override StepTerms Step(TrainingBatch batch)
    {
        long[] classes = [.. batch.Patches.ToArray().Select(patch => (long)labels[patch])]; // [B]
        Tensor logits;
        using (Forwarding(batch.Views[0]))
            logits = encoder.Head.Unnormalised(encoder.Features(batch.Views[0])); // [B, C]
        if (Array.TrueForAll(classes, label => label == PatchTable.None))
            return new StepTerms(0, 0); // the mean over nothing would be NaN
        using StageRange backward = Stages.Range(Stage.Backward, BytesOf(logits));
        Tensor loss = nn.functional.cross_entropy(logits, tensor(classes, device: logits.device), ignore_index: PatchTable.None);
        loss.backward();
        return new StepTerms(loss.item<float>(), loss.item<float>());
    }

    /// <summary>The labels that may be learned from: those of the split 'train' where the patches have splits, else all.</summary>
    /// <exception cref="Fault">There are none, or they are all of one class.</exception>
    public static int[] LabelsOf(PatchTable table)
    {
        int[] labels = new int[table.Count];
        Array.Fill(labels, PatchTable.None);
        foreach (int patch in table.LabelledToLearn())
            labels[patch] = table.LabelOf[patch];
        int classes = labels.Where(label => label != PatchTable.None).Distinct().Count();
        return classes >= 2 ? labels : throw new Fault(FaultKind.Input,
            $"method=supervised needs patches of two classes at least{(table.Splits is null ? "" : " in the split 'train'")}, and these " +
            $"have {classes}: give a "
            + "label column in patches.csv, folders named by class, or --slides with --labels.");
    }
}
