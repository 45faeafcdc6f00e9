using SSLP.Engine.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Processes;

// The processes' gradients: laid end to end in one piece that is kept from step to step, so that a step allocates no tensor for it.
public sealed unsafe partial class ProcessGroup
{
    private Tensor? _flat; // [n], on the gradients' device
    private Tensor[] _places = []; // views of it, of the gradients' shapes

    /// <summary>Means over the processes, in place of every tensor: gradients that each has of its own part of the batch.</summary>
    /// <param name="tensors">float32, of the same sizes in the same order at every call and in every process.</param>
    public void Average(IReadOnlyList<Tensor> tensors)
    {
        using IDisposable noGrad = no_grad();
        Tensor flat = LayOut(tensors);
        for (int i = 0; i < _places.Length; i++)
            _places[i].copy_(tensors[i]);
        Sum((float*)KernelBridge.Address(flat), flat.numel());
        flat.TimesInPlace(1f / Size);
        for (int i = 0; i < _places.Length; i++)
            tensors[i].copy_(_places[i]);
    }

    /// <summary>Makes room for these tensors, at the first call.</summary>
    private Tensor LayOut(IReadOnlyList<Tensor> tensors)
    {
        if (_flat is not null && _places.Length == tensors.Count && IsRoomFor(tensors))
            return _flat;
        using DisposeScope scope = NewDisposeScope();
        Forget();
        _flat = zeros(tensors.Sum(tensor => tensor.numel()), device: tensors[0].device).DetachFromDisposeScope();
        _places = new Tensor[tensors.Count];
        long from = 0;
        for (int i = 0; i < _places.Length; i++)
        {
            _places[i] = _flat.narrow(0, from, tensors[i].numel()).view(tensors[i].shape).DetachFromDisposeScope();
            from += tensors[i].numel();
        }
        return _flat;
    }

    private bool IsRoomFor(IReadOnlyList<Tensor> tensors)
    {
        for (int i = 0; i < _places.Length; i++)
            if (_places[i].numel() != tensors[i].numel())
                return false;
        return true;
    }

    private void Forget()
    {
        foreach (Tensor place in _places)
            place.Dispose();
        _flat?.Dispose();
        (_flat, _places) = (null, []);
    }
}
