using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace SSLP.Cli.Tests.Solution;

/// <summary>Habits that neither the compiler nor the formatter holds; those that they do stand in .editorconfig.</summary>
public sealed class HabitsTests
{
    private const int Columns = 140;

    private static readonly string[] Endings = [".cs", ".cu", ".h", ".hpp", ".c", ".cpp", ".py"];

    /// <summary>Folders that builds and Python leave beside the sources.</summary>
    private static readonly string[] Left = ["bin", "obj", "__pycache__"];

    public static TheoryData<string> Folders { get; } = ["engine", "kernels", "interop", "bench", "tests"];

    [Theory, MemberData(nameof(Folders))]
    public void No_line_has_more_than_140_columns(string folder)
    {
        string[] files = [.. Sources(new DirectoryInfo(Path.Combine(Repository.Root, folder)))];
        Assert.NotEmpty(files);
        string[] longer = [.. files.SelectMany(file => File.ReadLines(file).Index().Where(line => line.Item.Length > Columns)
            .Select(line => $"{Path.GetRelativePath(Repository.Root, file)}:{line.Index + 1} has {line.Item.Length}"))];
        Assert.True(longer.Length == 0, $"more than {Columns} columns:{Environment.NewLine}{string.Join(Environment.NewLine, longer)}");
    }

    /// <summary>Var stands where the right-hand side names the type: a new one, a cast, a method of the type itself or with its type
    /// argument.</summary>
    [Theory, MemberData(nameof(Folders))]
    public void Var_stands_where_the_right_hand_side_names_the_type(string folder)
    {
        string[] files = [.. Sources(new DirectoryInfo(Path.Combine(Repository.Root, folder))).Where(file => file.EndsWith(".cs"))];
        string[] hidden = [.. files.SelectMany(file => HiddenTypes(CSharpSyntaxTree.ParseText(File.ReadAllText(file)).GetRoot())
            .Select(type =>
                $"{Path.GetRelativePath(Repository.Root, file)}:{type.GetLocation().GetLineSpan().StartLinePosition.Line + 1}"))];
        Assert.True(hidden.Length == 0, $"var hides a type:{Environment.NewLine}{string.Join(Environment.NewLine, hidden)}");
    }

    [Theory]
    [InlineData("var a = new int[3];", 1)]
    [InlineData("var a = 3;", 1)]
    [InlineData("var a = Make();", 1)]
    [InlineData("var a = list[0];", 1)]
    [InlineData("foreach (var a in list) { }", 1)]
    [InlineData("Read(out var a);", 1)]
    [InlineData("var a = new Random(3);", 0)]
    [InlineData("using var a = Tiff.Open(path);", 0)]
    [InlineData("var a = (Random)b;", 0)]
    public void A_hidden_type_is_found(string statement, int hidden) =>
        Assert.Equal(hidden, HiddenTypes(CSharpSyntaxTree.ParseText(statement).GetRoot()).Count());

    /// <summary>Using lines stand as the formatter sorts them: namespaces, static, aliases; System first, then by the alphabet.</summary>
    [Theory, MemberData(nameof(Folders))]
    public void Using_lines_are_sorted(string folder)
    {
        string[] files = [.. Sources(new DirectoryInfo(Path.Combine(Repository.Root, folder))).Where(file => file.EndsWith(".cs"))];
        string[] unsorted = [.. files.Where(file => !AreSorted(CSharpSyntaxTree.ParseText(File.ReadAllText(file)).GetCompilationUnitRoot()))
            .Select(file => Path.GetRelativePath(Repository.Root, file))];
        Assert.True(unsorted.Length == 0, $"using lines out of order:{Environment.NewLine}{string.Join(Environment.NewLine, unsorted)}");
    }

    [Theory]
    [InlineData("using System.Text; using Alpha; using static System.Math; using B = Beta;", true)]
    [InlineData("using Alpha; using Alpha.Beta; using AlphaBeta;", true)]
    [InlineData("using Alpha; using System;", false)]
    [InlineData("using Beta; using Alpha;", false)]
    [InlineData("using static System.Math; using Alpha;", false)]
    [InlineData("using AlphaBeta; using Alpha.Beta;", false)]
    public void Unsorted_using_lines_are_found(string lines, bool sorted) =>
        Assert.Equal(sorted, AreSorted(CSharpSyntaxTree.ParseText(lines).GetCompilationUnitRoot()));

    private static bool AreSorted(CompilationUnitSyntax unit)
    {
        (int Group, string Name)[] lines = [.. unit.Usings.Select(Key)];
        return lines.SequenceEqual(lines.OrderBy(line => line.Group).ThenBy(line => line.Name, StringComparer.OrdinalIgnoreCase));
    }

    // A name ends before it goes on, with a dot or with letters: the dot sorts as the lowest of them.
    private static (int Group, string Name) Key(UsingDirectiveSyntax line)
    {
        string name = (line.Alias?.Name ?? line.NamespaceOrType).ToString();
        bool isSystem = name == "System" || name.StartsWith("System.", StringComparison.Ordinal);
        int group = line.Alias is not null ? 4 : line.StaticKeyword.IsKind(SyntaxKind.StaticKeyword) ? 2 : 0;
        return (group + (isSystem ? 0 : 1), name.Replace('.', '\t'));
    }

    private static IEnumerable<SyntaxNode> HiddenTypes(SyntaxNode root)
    {
        foreach (SyntaxNode node in root.DescendantNodes())
        {
            TypeSyntax? type = node switch
            {
                VariableDeclarationSyntax { Variables: [{ Initializer.Value: { } value }] } declared when !NamesItsType(value) =>
                    declared.Type,
                ForEachStatementSyntax each => each.Type,
                DeclarationExpressionSyntax declared => declared.Type,
                _ => null,
            };
            if (type is { IsVar: true })
                yield return type;
        }
    }

    private static bool NamesItsType(ExpressionSyntax value) => value switch
    {
        AwaitExpressionSyntax awaited => NamesItsType(awaited.Expression),
        PostfixUnaryExpressionSyntax forgiven => NamesItsType(forgiven.Operand),
        ObjectCreationExpressionSyntax or CastExpressionSyntax or AnonymousObjectCreationExpressionSyntax => true,
        ArrayCreationExpressionSyntax array => array.Type.ElementType is not PredefinedTypeSyntax,
        BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AsExpression } => true,
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax or GenericNameSyntax } => true,
        _ => false,
    };

    private static IEnumerable<string> Sources(DirectoryInfo folder) =>
        folder.EnumerateFiles().Where(file => Endings.Contains(file.Extension)).Select(file => file.FullName)
            .Concat(folder.EnumerateDirectories().Where(inner => !Left.Contains(inner.Name)).SelectMany(Sources));
}
