using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using SSLP.Native.Tests.Hosts;
using Xunit;

namespace SSLP.Native.Tests.Abi;

/// <summary>sslp.h says what the library does.</summary>
public sealed partial class HeaderTests : IDisposable
{
    private const string OnlyInWhole = "/* ---- In libsslp only";

    private static readonly Type[] Structs = [.. Assemblies().SelectMany(a => a.GetTypes())
        .Where(type => type.IsValueType && type.Name.StartsWith("Sslp", StringComparison.Ordinal)).OrderBy(type => type.Name)];

    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-header").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_struct_has_the_size_and_offsets_that_a_c_compiler_gives_it()
    {
        Tool.SkipUnless("gcc", "gcc");
        var program = new StringBuilder("#include <stdio.h>\n#include <stddef.h>\n#include \"sslp.h\"\nint main(void) {\n");
        var expected = new StringBuilder();
        foreach (Type type in Structs)
        {
            string name = Snake(type.Name);
            program.Append($"printf(\"{name} %zu\\n\", sizeof({name}));\n");
            expected.Append($"{name} {Marshal.SizeOf(type)}\n");
            foreach (FieldInfo field in type.GetFields())
            {
                string member = Snake(field.Name);
                program.Append($"printf(\"{name}.{member} %zu\\n\", offsetof({name}, {member}));\n");
                expected.Append($"{name}.{member} {Marshal.OffsetOf(type, field.Name)}\n");
            }
        }
        string source = Path.Combine(_folder, "layout.c"), built = Path.Combine(_folder, "layout");
        File.WriteAllText(source, program.Append("return 0;\n}\n").ToString());
        Tool.Compile("gcc", source, built, "-std=c99");
        Assert.Equal(expected.ToString(), Tool.Run(built).Succeeded());
    }

    [Fact]
    public void Every_struct_of_the_header_has_one_here() =>
        Assert.Equal(StructName().Matches(Header).Select(m => m.Groups[1].Value).Order(), Structs.Select(type => Snake(type.Name)).Order());

    [Fact]
    public void The_functions_of_the_header_are_the_exports()
    {
        string[] parts = Header.Split(OnlyInWhole);
        Assert.Equal(2, parts.Length);
        Assert.Equal(Functions(parts[0]), Exports("libsslp-data"));
        Assert.Equal(Functions(parts[1]), Exports("libsslp"));
    }

    [Fact]
    public void Every_status_has_its_number_in_the_header()
    {
        var numbers = StatusLine().Matches(Header).ToDictionary(m => m.Groups[1].Value, m => int.Parse(m.Groups[2].Value));
        foreach (Status status in Enum.GetValues<Status>())
        {
            string name = (int)status < 0 ? $"ERROR_{status.ToString().ToUpperInvariant()}" : status.ToString().ToUpperInvariant();
            Assert.Equal((int)status, numbers[name]);
        }
        Assert.Equal(Enum.GetValues<Status>().Length, numbers.Count);
    }

    [Fact]
    public void The_published_library_exports_the_functions_and_nothing_else()
    {
        Tool.SkipUnless("nm", "binutils");
        string[] symbols = [.. Tool.Run("nm", "-D", "--defined-only", PublishedLibrary.Data).Succeeded().Split('\n')
            .Select(line => line.Split(' ')[^1].Split('@')[0]).Where(name => name.StartsWith("sslp", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)];
        Assert.Equal(Functions(Header.Split(OnlyInWhole)[0]), symbols);
    }

    [Fact]
    public void The_library_without_torch_is_under_20_megabytes() =>
        Assert.InRange(new FileInfo(PublishedLibrary.Data).Length, 1 << 20, 20_000_000);

    private static string Header { get; } = File.ReadAllText(Repository.Header);

    private static Assembly[] Assemblies() => [Assembly.Load("libsslp-data"), Assembly.Load("libsslp")];

    private static string[] Functions(string text) =>
        [.. FunctionName().Matches(text).Select(m => m.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)];

    private static string[] Exports(string assembly) => [.. Assembly.Load(assembly).GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
        .Select(method => method.GetCustomAttribute<UnmanagedCallersOnlyAttribute>()?.EntryPoint).OfType<string>()
            .Order(StringComparer.Ordinal)];

    private static string Snake(string name) => WordStart().Replace(name, "_$1").TrimStart('_').ToLowerInvariant();

    [GeneratedRegex(@"^int32_t (sslp_\w+)\(", RegexOptions.Multiline)]
    private static partial Regex FunctionName();

    [GeneratedRegex(@"^\} (sslp_\w+);", RegexOptions.Multiline)]
    private static partial Regex StructName();

    [GeneratedRegex(@"SSLP_(OK|END|ERROR_\w+) = (-?\d+)")]
    private static partial Regex StatusLine();

    [GeneratedRegex("([A-Z])")]
    private static partial Regex WordStart();
}
