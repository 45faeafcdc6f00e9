using SSLP.Interop.Cuda;

namespace SSLP.Native;

/// <summary>
/// Every open handle of the process. A handle is no pointer: its low half is a slot's number from 1, its high half how often the slot has
/// been given out, so that a handle that was closed, or never was one, is known for what it is and nothing is read through it.
/// </summary>
internal static class Handles
{
    private static readonly Lock Gate = new();
    private static readonly List<Slot> Slots = [];
    private static readonly Stack<int> Free = new();

    /// <summary>Gives out a handle; the table owns the object from here on.</summary>
    public static nint Open(NativeObject opened)
    {
        lock (Gate)
        {
            if (!Free.TryPop(out int index))
            {
                index = Slots.Count;
                Slots.Add(new());
            }
            Slot slot = Slots[index];
            slot.Generation++;
            slot.Object = opened;
            foreach (NativeObject used in opened.Uses)
                used.Dependents[opened.Kind] = used.Dependents.GetValueOrDefault(opened.Kind) + 1;
            return (nint)((long)slot.Generation << 32 | (uint)(index + 1));
        }
    }

    /// <summary>Begins a call that works with an object; disposing the lease ends it.</summary>
    /// <param name="handle">As the host gave it.</param>
    /// <param name="wanted">What it should be of, for the fault.</param>
    /// <param name="besideOthers">The call is one that any thread may make at any time.</param>
    /// <exception cref="MisuseException">No such handle, or another thread is at work with it where only one may.</exception>
    public static Lease<T> Enter<T>(nint handle, string wanted, bool besideOthers = false)
        where T : NativeObject
    {
        lock (Gate)
        {
            T found = Find<T>(handle, wanted);
            // The driver may refuse: before the call counts as one.
            CurrentContext hosts = found.KeepCurrent();
            Begin(found, besideOthers);
            return new Lease<T>(found, hosts);
        }
    }

    /// <summary>What an object works on, for as long as a call of it takes.</summary>
    public static Lease<T> Enter<T>(T used)
        where T : NativeObject
    {
        lock (Gate)
        {
            CurrentContext hosts = used.KeepCurrent();
            Begin(used, besideOthers: false);
            return new Lease<T>(used, hosts);
        }
    }

    /// <summary>Asks whatever runs with a handle to end; waits for nothing.</summary>
    public static void Cancel(nint handle)
    {
        NativeObject found;
        lock (Gate)
            found = Find<NativeObject>(handle, "handle");
        found.Cancel();
    }

    /// <summary>Closes a handle; null is no handle and is passed over, as free() does.</summary>
    /// <exception cref="MisuseException">No such handle, at work in another thread, or something opened from it is open still.</exception>
    public static void Close(nint handle)
    {
        if (handle == 0)
            return;
        NativeObject closed;
        CurrentContext kept;
        lock (Gate)
        {
            closed = Find<NativeObject>(handle, "handle");
            if (closed.Calls > 0)
                throw new MisuseException(Status.Busy,
                    $"The {closed.Kind} is at work in another call: wait for that, or cancel it, before closing.");
            if (closed.Dependents.Count > 0)
            {
                string open = string.Join(", ", closed.Dependents.Select(d => $"{d.Value} {d.Key}"));
                throw new MisuseException(Status.Busy, $"The {closed.Kind} is needed by what is open still ({open}): close that first.");
            }
            kept = closed.KeepCurrent();
            int index = (int)(uint)handle - 1;
            Slots[index].Object = null;
            Free.Push(index);
            foreach (NativeObject used in closed.Uses)
            {
                if (--used.Dependents[closed.Kind] == 0)
                    used.Dependents.Remove(closed.Kind);
            }
        }
        using CurrentContext hosts = kept;
        closed.Dispose();
    }

    internal static void End(NativeObject used)
    {
        lock (Gate)
            used.Calls--;
    }

    private static void Begin(NativeObject used, bool besideOthers)
    {
        if (used.IsExclusive && used.Calls > 0 && !besideOthers)
            throw new MisuseException(Status.Busy,
                $"The {used.Kind} is at work in another call, and takes one at a time: open one a thread, or lock.");
        used.Calls++;
    }

    private static T Find<T>(nint handle, string wanted)
        where T : NativeObject
    {
        if (handle == 0)
            throw new MisuseException(Status.Handle, $"The {wanted} is null.");
        int index = (int)(uint)handle - 1;
        if (index < 0 || index >= Slots.Count || (int)((long)handle >> 32) > Slots[index].Generation || (long)handle >> 32 < 1)
            throw new MisuseException(Status.Handle, $"The {wanted} is no handle that this library gave.");
        Slot slot = Slots[index];
        if (slot.Object is null || slot.Generation != (int)((long)handle >> 32))
            throw new MisuseException(Status.Handle, $"The {wanted} was closed before this call.");
        return slot.Object as T ?? throw new MisuseException(Status.Handle,
            $"The handle is of a {slot.Object.Kind}, and a {wanted} is wanted.");
    }

    private sealed class Slot
    {
        public int Generation { get; set; }

        public NativeObject? Object { get; set; }
    }
}

/// <summary>One call's use of an object.</summary>
/// <param name="used">The object.</param>
/// <param name="hosts">What the thread had current before.</param>
internal readonly struct Lease<T>(T used, CurrentContext hosts) : IDisposable
    where T : NativeObject
{
    public T Object { get; } = used;

    public void Dispose()
    {
        Handles.End(Object);
        hosts.Dispose();
    }
}
