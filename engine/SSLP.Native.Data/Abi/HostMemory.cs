using System.Runtime.InteropServices;
using System.Text;
using SSLP.Data.Files;

namespace SSLP.Native;

/// <summary>Memory that is handed to the host: of its own allocator where it brings one, else of this library's.</summary>
internal sealed unsafe class HostMemory(
    delegate* unmanaged[Cdecl]<void*, nuint, nuint, void*> allocate, delegate* unmanaged[Cdecl]<void*, void*, void> release, void* user)
{
    private readonly HashSet<nint> _texts = [];

    /// <summary>Whether it is of the host's own allocator.</summary>
    public bool IsHosts => allocate != null;

    /// <exception cref="Fault">The allocator gave nothing.</exception>
    public void* Allocate(long bytes, int alignment)
    {
        void* memory = allocate == null ? NativeMemory.AlignedAlloc((nuint)Math.Max(1, bytes), (nuint)alignment)
            : allocate(user, (nuint)bytes, (nuint)alignment);
        return memory != null ? memory
            : throw new Fault(FaultKind.Space,
            $"The {(allocate == null ? "system" : "host's allocator")} gave no {bytes:N0} bytes: ask for less at once.");
    }

    public void Release(void* memory)
    {
        if (release == null)
            NativeMemory.AlignedFree(memory);
        else
            release(user, memory);
    }

    /// <summary>Text that is the host's from here on, until it gives it back.</summary>
    public byte* Text(string text)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        byte* memory = (byte*)Allocate(bytes + 1, 16);
        memory[Encoding.UTF8.GetBytes(text, new Span<byte>(memory, bytes))] = 0;
        lock (_texts)
            _texts.Add((nint)memory);
        return memory;
    }

    /// <exception cref="MisuseException">The text is none that this context gave, or was freed before.</exception>
    public void FreeText(byte* text)
    {
        lock (_texts)
        {
            if (!_texts.Remove((nint)text))
                throw new MisuseException(Status.Handle, "The text is none that this context gave, or was freed before.");
        }
        Release(text);
    }

    /// <summary>Gives back what the host did not.</summary>
    public void FreeAll()
    {
        foreach (nint text in _texts)
            Release((void*)text);
        _texts.Clear();
    }
}
