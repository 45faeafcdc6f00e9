using System.Runtime.InteropServices;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Methods;

/// <summary>
/// MoCo v2 (He et al., CVPR 2020; Chen, Fan, Girshick, He 2020): a query is to find the key of the other view of its patch, made by a
/// slowly following encoder, among a queue of earlier keys. Keys are made in shuffled groups of about 32, two at least and of equal size
/// (to one), each with its own batch statistics, as the paper's 8 devices have them: else the batch normalisation gives the answer away.
/// </summary>
internal sealed class MoCoV2 : Method
{
    private const int GroupSize = 32;

    private readonly Encoder _key;
    private readonly MemoryBank _queue; // [K, D], unit rows
    private readonly IWholeBankLoss _loss;
    private readonly KernelSet _kernels;
    private readonly MemoryBankUpdateCuda? _update;
    private readonly double _temperature, _momentum;
    private readonly ulong _seed;
    private readonly BankSnapshot _snapshot; // of the checkpoint that is being written
    private readonly TensorSnapshot _keyState = new();
    private int _next;
    private IMomentumSgd? _follower;
    private Tensor? _keys; // of the running step

    /// <param name="query">The encoder that learns, with an MLP head; owned from here on.</param>
    /// <param name="key">One of the same shape; takes the query's weights and follows. Owned from here on.</param>
    /// <param name="queue">K, keys kept; a multiple of the batch size is not needed.</param>
    /// <param name="temperature">τ, 0.2.</param>
    /// <param name="momentum">Of the key encoder, 0.999.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="kernels">Implementation and threads of the loss; stays the caller's.</param>
    public MoCoV2(Encoder query, Encoder key, int queue, double temperature, double momentum, ulong seed, KernelSet kernels)
    {
        (Encoder, _key, _temperature, _momentum, _seed) = (query, key, temperature, momentum, seed);
        _key.FollowByMomentum(query, 0);
        _key.train();
        _queue = MemoryBank.CreateRandom(queue, query.Head.Width, seed, kernels.Pool);
        _snapshot = new BankSnapshot(_queue);
        _loss = kernels.WholeBankLoss(_queue);
        _update = kernels.MemoryBankUpdate(_queue) as MemoryBankUpdateCuda;
        _kernels = kernels;
    }

    public override Encoder Encoder { get; }

    public override int Views => 2;

    public override string Describe => $"MoCo v2: queue {_queue.RowCount}, temperature {_temperature}, key momentum {_momentum}";

    public override StepTerms Step(TrainingBatch batch)
    {
        Tensor q, k;
        using (Forwarding(batch.Views[0], batch.Views[1]))
        {
            q = Encoder.forward(batch.Views[0]); // [B, D]
            long[] order = Shuffled(batch.Patches.Length, batch.Step), back = Inverse(order);
            k = Keys(batch.Views[1], tensor(order, device: q.device), tensor(back, device: q.device)); // [B, D], no gradient
            if (!q.isfinite().all().item<bool>() || !k.isfinite().all().item<bool>())
                return StepTerms.NotANumber; // the kernels take finite features only
        }
        // −log( exp(q·k/τ) / (exp(q·k/τ) + Σ exp(q·queue/τ)) ) and its gradient by q, in one pass over the queue
        Tensor host, keys, gradient;
        double loss;
        using (Stages.Range(Stage.BankStep, QueueBytes))
        {
            (host, keys) = (KernelBridge.ToHost(q.detach()), KernelBridge.ToHost(k));
            gradient = empty_like(host);
            float[] losses = new float[host.shape[0]];
            loss = _loss.Evaluate(KernelBridge.View(host), KernelBridge.View(keys), (float)_temperature, losses,
                KernelBridge.View(gradient));
        }
        using (Stages.Range(Stage.Backward, BytesOf(gradient)))
            q.backward([gradient.to(q.device)]);
        if (batch.IsWatched)
            Compared = ComparedOf(host, keys, batch);
        _keys = keys;
        return new StepTerms(loss, loss, NegativeSize: _queue.RowCount);
    }

    internal override KernelSet? OnDevice => _loss is WholeBankLossCuda ? _kernels : null;

    /// <summary>The queue's rows, then the shuffle and its inverse as int64.</summary>
    internal override int InputInts(int batch) => 2 * OrderWord(batch) + 4 * batch;

    internal override int Draw(int batch, int step, Span<int> inputs)
    {
        Span<long> words = MemoryMarshal.Cast<int, long>(inputs)[OrderWord(batch)..];
        long[] order = Shuffled(batch, step);
        order.CopyTo(words);
        Inverse(order).CopyTo(words[batch..]);
        return batch;
    }

    /// <summary>The queue's rows that the keys go to.</summary>
    internal override void Prepare(ReadOnlySpan<int> patches, int step, double ramp, int drawn, Span<int> inputs)
    {
        for (int i = 0; i < patches.Length; i++)
            inputs[i] = (_next + i) % _queue.RowCount;
    }

    internal override void EnqueueStep(TrainingBatch batch, StepInputs inputs, StepReport report)
    {
        int b = batch.Patches.Length;
        Tensor q, k, gradient;
        using (Forwarding(batch.Views[0], batch.Views[1]))
        {
            q = Encoder.forward(batch.Views[0]).contiguous(); // [B, D]
            Tensor order = inputs.Words.narrow(0, OrderWord(b), b), back = inputs.Words.narrow(0, OrderWord(b) + b, b);
            k = Keys(batch.Views[1], order, back).contiguous(); // [B, D], no gradient
        }
        using (Stages.Range(Stage.BankStep, QueueBytes))
        {
            gradient = empty_like(q);
            ((WholeBankLossCuda)_loss).Enqueue(
                KernelBridge.OnDevice(q, _kernels), KernelBridge.OnDevice(k, _kernels), (float)_temperature,
                KernelBridge.OnDevice(gradient, _kernels), report);
        }
        if (batch.IsWatched)
            Compared = ComparedOf(q.detach(), k, batch);
        using (Stages.Range(Stage.Backward, BytesOf(gradient)))
            q.backward([gradient]);
        _keys = k;
    }

    internal override StepTerms TermsOf(in StepReading reading) => (reading.Fault & StepFault.NotFinite) != 0
        ? StepTerms.NotANumber
        : new StepTerms(reading[StepValue.Loss], reading[StepValue.Self], NegativeSize: _queue.RowCount);

    internal override void EnqueueEnd(TrainingBatch batch, StepInputs inputs, StepReport report)
    {
        if (KernelBridge.MayMove(_follower, report))
            Follow();
        using StageRange updating = Stages.Range(Stage.BankUpdate, BytesOf(_keys!));
        _update!.Enqueue(inputs.Address, KernelBridge.OnDevice(_keys!, _kernels), momentum: 1, report);
        _next = (_next + (int)_keys!.shape[0]) % _queue.RowCount;
    }

    internal override void TakeBack(int batch) => _next = ((_next - batch) % _queue.RowCount + _queue.RowCount) % _queue.RowCount;

    private ComparedFeatures ComparedOf(Tensor queries, Tensor keys, TrainingBatch batch) => new(
        _queue.Width, queries.ToArray<float>(), keys.ToArray<float>(),
        _update is { IsAhead: true } ? _update.Read(ComparedFeatures.SampleRows(_queue.RowCount, [])) : ComparedFeatures.Sample(_queue, []),
        AreLearned: (long)batch.Step * queries.shape[0] >= _queue.RowCount);

    /// <summary>The key encoder follows, the keys go into the queue.</summary>
    public override void EndStep(TrainingBatch batch)
    {
        Follow();
        using StageRange updating = Stages.Range(Stage.BankUpdate, BytesOf(_keys!));
        Enqueue(_keys!);
    }

    private long QueueBytes => (long)_queue.RowCount * _queue.Width * sizeof(float);

    private void Follow()
    {
        using StageRange following = Stages.Range(Stage.KeyEncoder);
        _key.FollowByMomentum(Encoder, _momentum, _follower);
    }

    public override IEnumerable<(string Prefix, Encoder Network)> Networks => [(string.Empty, Encoder), ("moco.key.", _key)];

    public override void To(Device device)
    {
        base.To(device);
        _key.to(device);
        _follower?.Dispose();
        _follower = KernelBridge.MomentumSgd(_kernels, device);
    }

    public override IEnumerable<SafetensorsItem> State()
    {
        _update?.TakeHome();
        _snapshot.Take();
        return
        [
            _snapshot.ToItem("moco.queue"),
            SafetensorsItem.From<int>("moco.next", new[] { _next }, 1),
            .. _keyState.Take(_key.state_dict().Select(pair => ("moco.key." + pair.Key, pair.Value))),
        ];
    }

    /// <summary>The queue holds keys, not patches: it goes on as it is with others.</summary>
    public override void Load(SafetensorsFile checkpoint, int[]? rowOf = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        _queue.LoadFrom(checkpoint, "moco.queue");
        _next = checkpoint.ReadTensor("moco.next").item<int>();
        foreach ((string name, Tensor value) in _key.state_dict())
            value.copy_(checkpoint.ReadTensor("moco.key." + name));
    }

    public override void Dispose()
    {
        _key.Dispose();
        _follower?.Dispose();
        _loss.Dispose();
        _update?.Dispose();
        _queue.Dispose();
        _keyState.Dispose();
        base.Dispose();
    }

    /// <summary>Keys of a view, made in shuffled groups.</summary>
    /// <param name="view">[B, 3, H, W].</param>
    /// <param name="order">[B] which patch comes where.</param>
    /// <param name="back">[B] its inverse.</param>
    private Tensor Keys(Tensor view, Tensor order, Tensor back)
    {
        using IDisposable noGrad = no_grad();
        Tensor shuffled = view.index_select(0, order);
        return cat([.. shuffled.tensor_split(Groups((int)view.shape[0])).Select(_key.forward)], 0).index_select(0, back);
    }

    // Behind the rows, to whole words.
    private static int OrderWord(int batch) => (batch + 1) / 2;

    private static long[] Inverse(long[] order)
    {
        long[] back = new long[order.Length];
        for (int i = 0; i < order.Length; i++)
            back[order[i]] = i;
        return back;
    }

    /// <summary>Groups of a batch.</summary>
    internal static int Groups(int batch) => Math.Max(2, batch / GroupSize);

    private void Enqueue(Tensor keys)
    {
        int[] slots = [.. Enumerable.Range(0, (int)keys.shape[0]).Select(i => (_next + i) % _queue.RowCount)];
        _snapshot.Keep(slots);
        _queue.Update(slots, KernelBridge.View(keys), momentum: 1);
        _next = (_next + slots.Length) % _queue.RowCount;
    }

    private long[] Shuffled(int count, int step)
    {
        long[] order = [.. Enumerable.Range(0, count).Select(i => (long)i)];
        CounterRandom.Shuffle(order.AsSpan(), CounterRandom.Key(_seed, RandomPurpose.BatchShuffle), (ulong)step);
        return order;
    }
}
