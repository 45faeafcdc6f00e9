using SSLP.Engine.Torch;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Model;

/// <summary>Arithmetic of the backbone. Weights, heads, loss and optimizer are float32 in both.</summary>
public enum Precision
{
    Float32,

    /// <summary>bfloat16 activations and matrix products over float32 master weights.</summary>
    BFloat16,
}

/// <summary>
/// g of the paper: backbone and projection head. State names are <c>backbone.*</c> (torchvision's below that) and <c>head.layers.*</c>.
/// </summary>
internal sealed class Encoder : nn.Module<Tensor, Tensor>
{
    private readonly ResNet backbone;
    private readonly ProjectionHead head;
    private FlatWeights? _flat;

    /// <param name="architecture">The backbone.</param>
    /// <param name="head">The projection head.</param>
    /// <param name="width">D, the width of the projection.</param>
    public Encoder(Architecture architecture, HeadKind head, int width)
        : base(nameof(Encoder))
    {
        register_module("backbone", backbone = new ResNet(architecture));
        register_module("head", this.head = new ProjectionHead(head, backbone.Features, width));
    }

    public ResNet Backbone => backbone;

    public ProjectionHead Head => head;

    public Precision Precision { get; set; }

    /// <summary>Normalised images [B, 3, H, W] float32 → f, unit rows [B, D] float32.</summary>
    public override Tensor forward(Tensor images) => Head.forward(Features(images));

    /// <summary>Normalised images [B, 3, H, W] float32 → pooled backbone features [B, 512 or 2048] float32, what is evaluated.</summary>
    public Tensor Features(Tensor images)
    {
        if (Precision == Precision.BFloat16)
            images = images.to(ScalarType.BFloat16);
        // channels_last by hand (TorchSharp has no memory_format argument): cuDNN's and oneDNN's fast layout for bfloat16.
        if (Precision == Precision.BFloat16 || images.device_type == TorchSharp.DeviceType.CUDA)
            images = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        return Backbone.forward(images).to(ScalarType.Float32);
    }

    /// <summary>The parameters in one piece of memory, from here on; to be asked for after every move.</summary>
    public FlatWeights Flatten()
    {
        if (_flat is not null && _flat.Parameters.Zip(parameters()).All(pair => ReferenceEquals(pair.First, pair.Second)))
            return _flat;
        _flat?.Dispose();
        return _flat = new FlatWeights(this);
    }

    /// <summary>
    /// θ_k ← m θ_k + (1 − m) θ_q over all parameters, buffers copied: MoCo's momentum encoder (He et al. 2020, eq. 2).
    /// </summary>
    /// <param name="query">The encoder that learns; the same architecture.</param>
    /// <param name="momentum">m, 0.999 in the paper.</param>
    /// <param name="kernel">Does it in one pass where both encoders are; null: torch does.</param>
    public void FollowByMomentum(Encoder query, double momentum, IMomentumSgd? kernel = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor mine = Flatten().Values, theirs = query.Flatten().Values;
        if (kernel is not null)
            kernel.Follow(KernelBridge.Vector(mine, mine.numel()), KernelBridge.Vector(theirs, theirs.numel()), momentum);
        else
            mine.TimesInPlace(momentum).PlusInPlace(theirs, 1 - momentum);
        foreach (((_, Tensor key), (_, Tensor source)) in named_buffers().Zip(query.named_buffers()))
            key.copy_(source);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            _flat?.Dispose();
    }
}
