using SSLP.Data.Files;
using SSLP.Engine.Torch;
using SSLP.Interop.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Processes;

// The processes' gradients: laid end to end in one piece that is kept from step to step, so that a step allocates no tensor for it. On CUDA
// devices NCCL sums them there; without it they go through the host.
public sealed unsafe partial class ProcessGroup
{
    private Tensor? _flat; // [n], on the gradients' device
    private Tensor? _host; // [n], where the gradients are on a device and there is no NCCL
    private Tensor[] _places = []; // views of the first, of the gradients' shapes
    private NcclCommunicator? _nccl;

    /// <summary>Path of NCCL's library, or <see cref="NcclLibrary.None"/>; null for torch's own or the system's.</summary>
    internal string? NcclPath { get; set; }

    /// <summary>This process's number among those of its machine, from 0: that of its CUDA device.</summary>
    internal int Place { get; }

    /// <summary>From here on gradients on this process's CUDA device are summed by NCCL, where every process has it and a card of its own.
    /// All processes call it, those without a device, too.</summary>
    /// <param name="context">Of the device, owned from here on; null where the network is on the CPU.</param>
    /// <returns>Why they go through the host, as a sentence; null where they do not, or where nobody has a device.</returns>
    /// <exception cref="Fault">NCCL is there and does not begin.</exception>
    internal string? UseDevice(CudaContext? context)
    {
        _nccl?.Dispose();
        (_nccl, Library) = (null, _mpi.Version);
        Forget();
        try
        {
            NcclLibrary? library = null;
            string? why = context is null ? "another process's network is on the CPU" : null;
            if (context is null || NcclPath == NcclLibrary.None)
                why ??= $"SSLP_NCCL={NcclLibrary.None}";
            else if (NcclPath is not null)
                library = NcclLibrary.Load(NcclPath);
            else if (!NcclLibrary.TryFind(TorchRuntime.Folder, out library, out why))
                why += "; name its library in SSLP_NCCL, and it sums them on the devices";
            if (!Any(context is not null))
                return null;
            if (Any(library is null))
                return "Gradients go from the devices through the host: "
                    + $"{why ?? "another process has no NCCL, or its network is on the CPU"}.";
            if (ShareACard(context!))
                return "Gradients go from the devices through the host: two processes share a CUDA device, which NCCL does not take.";
            NcclLibrary.UniqueId id = IsFirst ? library!.NewId() : default;
            _mpi.Broadcast(&id, NcclLibrary.UniqueId.Bytes, from: 0);
            _nccl = new NcclCommunicator(library!, context!, id, Rank, Size);
            context = null;
            Library = $"{_mpi.Version}, gradients by {library!.Version}";
            return null;
        }
        finally
        {
            context?.Dispose();
        }
    }

    /// <summary>Whether two processes have one card, by its place in the machine: what number a process sees it by is the
    /// launcher's.</summary>
    private bool ShareACard(CudaContext context)
    {
        (int domain, int bus, int slot) = CudaDriver.System.PciPlace(context.Device.Ordinal);
        (ulong, int, int, int)[] cards = Gather([(HashOf<char>(Environment.MachineName), domain, bus, slot)]);
        return cards.Distinct().Count() < cards.Length;
    }

    /// <summary>Means over the processes, in place of every tensor: gradients that each has of its own part of the batch.</summary>
    /// <param name="tensors">float32, of the same sizes in the same order at every call and in every process.</param>
    public void Average(IReadOnlyList<Tensor> tensors)
    {
        using IDisposable noGrad = no_grad();
        Tensor flat = LayOut(tensors);
        for (int i = 0; i < _places.Length; i++)
            _places[i].copy_(tensors[i]);
        if (_nccl is not null)
            SumOnDevices(_nccl, flat);
        else
            SumOnHosts(flat);
        flat.TimesInPlace(1f / Size);
        for (int i = 0; i < _places.Length; i++)
            tensors[i].copy_(_places[i]);
    }

    private void SumOnDevices(NcclCommunicator nccl, Tensor flat)
    {
        nccl.WaitForOwn();
        using (new Waiting(this))
            nccl.Sum((void*)KernelBridge.Address(flat), flat.numel());
        Bytes += 2 * flat.numel() * sizeof(float);
    }

    private void SumOnHosts(Tensor flat)
    {
        if (flat.device_type == TorchSharp.DeviceType.CPU)
        {
            Sum((float*)KernelBridge.Address(flat), flat.numel());
            return;
        }
        _host ??= empty(flat.numel()).DetachFromDisposeScope();
        _host.copy_(flat);
        Sum((float*)KernelBridge.Address(_host), _host.numel());
        flat.copy_(_host);
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
            if (_places[i].numel() != tensors[i].numel() || _places[i].device_type != tensors[i].device_type)
                return false;
        return true;
    }

    private void Forget()
    {
        foreach (Tensor place in _places)
            place.Dispose();
        _flat?.Dispose();
        _host?.Dispose();
        (_flat, _host, _places) = (null, null, []);
    }
}
