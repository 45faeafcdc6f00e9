using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SSLP.Cli.Tests.Solution;

/// <summary>A folder of a project, the unit that floors are made of: "engine/SSLP.Data/Files"; a project's own folder for files beside its
/// rooms.</summary>
/// <param name="Project">"engine/SSLP.Data".</param>
/// <param name="Name">"Files", or empty.</param>
internal readonly record struct Room(string Project, string Name)
{
    public override string ToString() => Name.Length == 0 ? Project : $"{Project}/{Name}";
}

/// <summary>
/// What each room of the product's sources uses: every name of a file is asked of the compiler for its symbol, and the symbol for the file
/// that declares its type. Using lines are not looked at.
/// </summary>
internal static class SourceUses
{
    /// <summary>From room, to room, and one place that shows it.</summary>
    /// <param name="root">The repository.</param>
    /// <param name="rooms">The table.</param>
    public static IReadOnlyDictionary<(Room From, Room To), string> Of(string root, IReadOnlyList<Room> rooms)
    {
        string[] projects = [.. rooms.Select(room => room.Project).Distinct()];
        var roomOf = new Dictionary<string, Room>();
        List<SyntaxTree> trees = [];
        var parsing = new CSharpParseOptions(LanguageVersion.Latest);
        foreach (string project in projects)
        {
            foreach (string file in Directory.EnumerateFiles(Path.Combine(root, project), "*.cs", SearchOption.AllDirectories))
            {
                string relative = Path.GetRelativePath(Path.Combine(root, project), file).Replace('\\', '/');
                if (relative.StartsWith("obj/", StringComparison.Ordinal) || relative.StartsWith("bin/", StringComparison.Ordinal))
                    continue;
                roomOf[file] = new Room(project, relative.Contains('/') ? relative[..relative.IndexOf('/')] : string.Empty);
                trees.Add(CSharpSyntaxTree.ParseText(File.ReadAllText(file), parsing, file));
            }
        }

        // What the projects' ImplicitUsings bring.
        trees.Add(CSharpSyntaxTree.ParseText(
            "global using System; global using System.IO; global using System.Linq; global using System.Collections.Generic; global " +
            "using System.Threading; "
            + "global using System.Threading.Tasks; global using System.Net.Http;", parsing));
        var compilation = CSharpCompilation.Create(
            "product", trees, References(), new CSharpCompilationOptions(OutputKind.ConsoleApplication, allowUnsafe: true));
        var uses = new Dictionary<(Room, Room), string>();
        foreach (SyntaxTree tree in trees.Where(t => t.FilePath.Length > 0))
        {
            Room from = roomOf[tree.FilePath];
            SemanticModel model = compilation.GetSemanticModel(tree);
            foreach (SimpleNameSyntax name in tree.GetRoot().DescendantNodes(node => node is not UsingDirectiveSyntax)
                .OfType<SimpleNameSyntax>())
            {
                ISymbol? symbol = model.GetSymbolInfo(name).Symbol;
                ISymbol? declared = symbol is INamedTypeSymbol or null ? symbol : symbol.ContainingType;
                if (declared?.Name == "Program")
                    continue; // every program has one; they are one to a compilation of all
                foreach (SyntaxReference declaration in declared?.OriginalDefinition.DeclaringSyntaxReferences ?? [])
                {
                    if (roomOf.TryGetValue(declaration.SyntaxTree.FilePath, out Room to) && to != from)
                        uses.TryAdd((from, to),
                            $"{Path.GetRelativePath(root, tree.FilePath)}:{name.GetLocation().GetLineSpan().StartLinePosition.Line + 1} " +
                            $"{name}");
                }
            }
        }

        return uses;
    }

    private static IEnumerable<MetadataReference> References()
    {
        string[] platform = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        return platform.Where(path => !IsOurs(Path.GetFileName(path)) && Path.GetFileName(path) != "sslp.dll" && IsManaged(path))
            .Select(path => MetadataReference.CreateFromFile(path));
    }

    private static bool IsOurs(string file) =>
        file.StartsWith("SSLP.", StringComparison.Ordinal) || file.StartsWith("libsslp", StringComparison.Ordinal);

    public static bool IsManaged(string path)
    {
        try
        {
            AssemblyName.GetAssemblyName(path);
            return true;
        }
        catch (BadImageFormatException)
        {
            return false;
        }
    }
}
