using System.Runtime.InteropServices;
using SSLP.Interop.Cuda;

namespace SSLP.PtxMachine.Driver;

/// <summary>Modules and launches.</summary>
internal sealed unsafe partial class MachineCalls
{
    public override int cuModuleLoadDataEx(nint* module, byte* image, uint optionCount, int* options, void** optionValues)
    {
        string text = edit(Marshal.PtrToStringUTF8((nint)image) ?? "");
        byte* log = null;
        int room = 0;
        for (int i = 0; i < optionCount; i++)
        {
            if (options[i] == NativeCuda.CU_JIT_ERROR_LOG_BUFFER)
                log = (byte*)optionValues[i];
            else if (options[i] == NativeCuda.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
                room = (int)(nint)optionValues[i];
        }

        return Do(() =>
        {
            try
            {
                *module = Add(new Loaded([.. Machine.Load(text)]));
                return 0;
            }
            catch (PtxRefusedException refused)
            {
                if (log is not null)
                    Write(refused.Message, log, room);
                return Refuse(InvalidPtx, "the machine does not take the text");
            }
        });
    }

    public override int cuModuleUnload(nint module) => Do(() => _objects.Remove(module) ? 0 : InvalidHandle);

    public override int cuModuleGetFunction(nint* function, CudaModuleHandle module, byte* name) => Do(() =>
    {
        if (Get<Loaded>(module.DangerousGetHandle()) is not { } loaded)
            return InvalidHandle;
        string entry = Marshal.PtrToStringUTF8((nint)name)!;
        if (Array.Find(loaded.Kernels, kernel => kernel.Entry == entry) is not { } found)
            return Refuse(NotFound, $"the module has no entry {entry}");
        *function = Add(found);
        return 0;
    });

    public override int cuFuncSetAttribute(nint function, int attribute, int value) =>
        Do(() => Refuse(NotSupported, "the machine's blocks have the shared memory that their text declares"));

    public override int cuLaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ,
        uint sharedBytes, CudaStreamHandle stream, void** parameters, void** extra) => Do(() =>
    {
        if (Get<MachineKernel>(function) is not { } kernel || Find(stream) is not { } queue)
            return InvalidHandle;
        Note(nameof(cuLaunchKernel), kernel.Entry, stream: stream.DangerousGetHandle());
        if (sharedBytes > 0 || extra is not null)
            return Refuse(NotSupported, "the machine knows no dynamic shared memory and no packed parameters");
        queue.DoAll();
        try
        {
            machine.Launch(kernel, (gridX, gridY, gridZ), (blockX, blockY, blockZ), parameters);
            return 0;
        }
        catch (PtxFaultException fault)
        {
            // A grid that cannot be is refused; the device is none the worse.
            if (fault.Kind == PtxFaultKind.Launch)
                return Refuse(InvalidValue, fault.Message);
            Fault = fault;
            return CodeOf(fault);
        }
    });

    private sealed record Loaded(MachineKernel[] Kernels);
}
