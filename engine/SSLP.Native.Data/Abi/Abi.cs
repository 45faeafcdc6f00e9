using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SSLP.Native;

/// <summary>
/// What every exported function does at its edge: nothing thrown crosses it, and no argument is used before it is checked.
/// </summary>
internal static unsafe class Abi
{
    /// <summary>Version of sslp.h: another one has other structs or other meanings.</summary>
    public const int Version = 2;

    /// <summary>Does the work of an exported function.</summary>
    public static int Call(Action work)
    {
        try
        {
            work();
            return (int)Status.Ok;
        }
        catch (Exception thrown)
        {
            return (int)LastFault.Keep(thrown);
        }
    }

    /// <summary>The same for a function that may be at an end.</summary>
    public static int Call(Func<Status> work)
    {
        try
        {
            return (int)work();
        }
        catch (Exception thrown)
        {
            return (int)LastFault.Keep(thrown);
        }
    }

    /// <summary>A struct of the host whose first field is its size in bytes.</summary>
    /// <exception cref="MisuseException">Null, or of another size.</exception>
    public static T* Sized<T>(T* given, [CallerArgumentExpression(nameof(given))] string name = "")
        where T : unmanaged
    {
        NotNull(given, name);
        uint size = *(uint*)given;
        return size == (uint)sizeof(T) ? given : throw new MisuseException(Status.Size,
            $"{name}->size is {size}, and this struct of ABI version {Version} has {sizeof(T)} bytes: set it to sizeof before the call.");
    }

    /// <exception cref="MisuseException">Null.</exception>
    public static void NotNull(void* given, string name)
    {
        if (given == null)
            throw new MisuseException(Status.Usage, $"{name} is null.");
    }

    /// <summary>Text of the host, UTF-8 with a zero at its end.</summary>
    /// <exception cref="MisuseException">Null.</exception>
    public static string Text(byte* given, [CallerArgumentExpression(nameof(given))] string name = "")
    {
        NotNull(given, name);
        return Marshal.PtrToStringUTF8((nint)given)!;
    }

    /// <summary>The same where null stands for none.</summary>
    public static string? TextOrNull(byte* given) => Marshal.PtrToStringUTF8((nint)given);

    /// <summary>Memory of the host as a span.</summary>
    /// <exception cref="MisuseException">A count below 0 or beyond 2³¹ − 1, or null where there is something to hold.</exception>
    public static Span<T> Span<T>(T* given, long count, [CallerArgumentExpression(nameof(given))] string name = "")
        where T : unmanaged
    {
        if (count is < 0 or > int.MaxValue)
            throw new MisuseException(Status.Size, $"{name} is said to hold {count} values; 0 to {int.MaxValue} are taken at once.");
        if (count > 0)
            NotNull(given, name);
        return new Span<T>(given, (int)count);
    }

    /// <summary>rows × width of a matrix, checked to fit in a span.</summary>
    /// <exception cref="MisuseException">A shape that is impossible or too large at once.</exception>
    public static int Count(long rows, long width, string name)
    {
        if (rows is < 0 or > int.MaxValue)
            throw new MisuseException(Status.Size, $"{name} is said to have {rows} rows; 0 to {int.MaxValue} are taken at once.");
        return rows * width <= int.MaxValue ? (int)(rows * width) : throw new MisuseException(Status.Size,
            $"{name} of {rows} × {width} values is more than {int.MaxValue} values at once; hand it over in parts.");
    }

    /// <summary>A value of an enumeration.</summary>
    /// <exception cref="MisuseException">None of it.</exception>
    public static T Choice<T>(int value, string name)
        where T : struct, Enum =>
        Enum.IsDefined((T)(object)value) ? (T)(object)value : throw new MisuseException(Status.Usage,
            $"{name} is {value}, which names none.");
}
