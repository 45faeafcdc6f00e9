using System.Text;
using SSLP.Data.Files;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Files;

public sealed class CsvTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a,b\n1,2\n")]
    [InlineData("a;b\r\n1;2\r\n")]
    [InlineData("a\tb\n1\t2")]
    [InlineData("a|b\r1|2\r")]
    [InlineData("sep=;\r\na;b\r\n1;2\r\n")]
    [InlineData("\n\na,b\n\n1,2\n\n")]
    [InlineData("\"a\",\"b\"\n\"1\",\"2\"\n")]
    [InlineData(" a , b \n 1 , 2 \n")]
    [InlineData("a;b;;\r\n1;2;;\r\n;;;\r\n")]
    [InlineData("a,b\n1,2,,\n")]
    [InlineData("A,B\n1,2\n")]
    public void Delimiters_line_ends_quotes_and_empty_fields_are_the_programs_own_affair(string text)
    {
        using Csv csv = Open(Encoding.UTF8.GetBytes(text));
        (int a, int b) = (csv.Require("a"), csv.Require("b"));
        Assert.True(csv.Read());
        Assert.Equal(("1", "2"), (csv.Text(a), csv.Text(b)));
        Assert.False(csv.Read());
    }

    [Theory]
    [InlineData("sep=\"\na\"b\n")]
    [InlineData("sep=#\na#b\n")]
    public void A_delimiter_that_can_be_none_is_refused_by_name(string text)
    {
        Fault fault = Assert.Throws<Fault>(() => Open(Encoding.UTF8.GetBytes(text)));
        Assert.Contains("'sep='", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("utf-8", true)]
    [InlineData("utf-8", false)]
    [InlineData("utf-16", true)]
    [InlineData("utf-16", false)]
    [InlineData("utf-16BE", true)]
    [InlineData("utf-16BE", false)]
    public void Unicode_is_read_with_its_mark_and_without(string name, bool mark)
    {
        var encoding = Encoding.GetEncoding(name);
        using Csv csv = Open([.. mark ? encoding.GetPreamble() : [], .. encoding.GetBytes("slide;label\r\nS1;Drüse µ\r\n")]);
        int label = csv.Require("label");
        Assert.Equal(0, csv.Require("slide"));
        Assert.True(csv.Read());
        Assert.Equal("Drüse µ", csv.Text(label));
    }

    [Fact]
    public void Quoted_fields_hold_delimiters_quotes_and_line_ends_and_the_line_is_counted_by_the_file()
    {
        using Csv csv = Open("a,b\n\"x, \"\"y\"\"\nz\",2\n3,4\n5\n"u8);
        Assert.True(csv.Read());
        Assert.Equal("x, \"y\"\nz", csv.Text(0));
        Assert.True(csv.Read());
        Assert.Equal(4, csv.Line);
        Assert.Contains("line 5 has 1 fields; the header has 2", Assert.Throws<Fault>(() => csv.Read()).Message);
    }

    [Theory]
    [InlineData("a,b\n1,5\"\n2,6\"\n", 2)] // inch marks: the two lines are one to the library
    [InlineData("a,b\n1,2\n3,\"4\n5,6\n", 3)] // never closed
    [InlineData("a,b\n1,\"fat \\\"x\\\"\"\n", 2)] // a backslash before the quote
    [InlineData("a,b\n1,\"2\"3\n", 2)]
    [InlineData("a,b\n1, 5\" and, 6\"\n", 2)]
    [InlineData("a,\"b\n1,2\n", 1)]
    public void A_quote_inside_of_a_field_swallows_no_line(string text, int line)
    {
        var fault = Assert.Throws<Fault>(() =>
        {
            using Csv csv = Open(Encoding.UTF8.GetBytes(text));
            while (csv.Read())
            {
            }
        });
        Assert.Contains($"line {line} has a quote that is not closed", fault.Message);
    }

    [Theory]
    [InlineData("a,\"b\n1,2\n")]
    [InlineData("\n")]
    public void A_list_whose_header_is_refused_is_not_left_open(string text)
    {
        string path = _folder.File("refused.csv");
        File.WriteAllText(path, text);
        Assert.Throws<Fault>(() => Csv.Open(path));
        using var alone = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.True(alone.CanWrite);
    }

    [Theory]
    [InlineData("is empty", "")]
    [InlineData("is empty", "\n\n")]
    [InlineData("two columns 'b'", "b,b\n1,2\n")]
    [InlineData("no column 'b'; its columns are x, y", "x,y\n1,2\n")]
    public void Says_what_a_list_lacks(string message, string text)
    {
        Assert.Contains(message, Assert.Throws<Fault>(() =>
        {
            using Csv csv = Open(Encoding.UTF8.GetBytes(text));
            csv.Require("b");
        }).Message);
    }

    [Fact]
    public void What_is_no_Unicode_text_is_refused_in_a_sentence()
    {
        byte[] windows = [.. "slide,label\nS1,Dr"u8, 0xFC, .. "se\n"u8];
        Assert.Contains("save it as 'CSV UTF-8'", Assert.Throws<Fault>(() =>
        {
            using Csv csv = Open(windows);
            while (csv.Read())
            {
            }
        }).Message);
        Assert.Contains("could not be read", Assert.Throws<Fault>(() => Csv.Open(Path.Combine(_folder.Path, "none.csv"))).Message);
    }

    [Theory]
    [InlineData("1.0", ',', 1.0)]
    [InlineData("-3.5e2", ',', -350.0)]
    [InlineData("1164,5", ';', 1164.5)]
    [InlineData("1,164", ';', 1.164)]
    [InlineData("1.164,5", ';', 1164.5)]
    [InlineData("1,164.5", ',', 1164.5)]
    [InlineData("12,5", '\t', 12.5)]
    [InlineData("1,164", '\t', null)]
    [InlineData("1,164", ',', null)]
    [InlineData("1.164", ';', null)]
    [InlineData("-21.164", ';', null)]
    [InlineData("0.499", ';', 0.499)]
    [InlineData("1234.125", ';', 1234.125)]
    [InlineData("1.1645", ';', 1.1645)]
    [InlineData("1.164", '\t', 1.164)]
    [InlineData("0,499", '\t', 0.499)]
    [InlineData("1,2,3", ';', null)]
    [InlineData("11,64.5", ',', null)]
    [InlineData("NaN", ',', null)]
    [InlineData("1e999", ',', null)]
    [InlineData("", ',', null)]
    [InlineData("12 px", ',', null)]
    public void A_number_is_read_where_it_has_one_meaning(string text, char delimiter, double? expected)
    {
        bool read = SpreadsheetNumber.TryParse(text, delimiter, out double value);
        Assert.Equal(expected is not null, read);
        if (expected is { } number)
            Assert.Equal(number, value, 9);
    }

    [Fact]
    public void Lists_of_any_length_are_read_in_constant_memory()
    {
        string path = _folder.File("long.csv");
        using (StreamWriter text = new(path))
        {
            text.Write("slide,x,y,label\n");
            for (int i = 0; i < 200_000; i++)
                text.Write($"slide_with_a_name,{i},{i},tumour\n");
        }
        using var csv = Csv.Open(path);
        csv.Read();
        long before = GC.GetAllocatedBytesForCurrentThread();
        int lines = 1;
        while (csv.Read())
            lines += csv.TryWhole(1, out int x) && x == lines ? 1 : 0;
        Assert.Equal(200_000, lines);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void What_the_writer_quotes_the_reader_gives_back()
    {
        string path = _folder.File("w.csv");
        using (FileStream file = File.Create(path))
        using (nietras.SeparatedValues.SepWriter writer = Csv.Writer(file))
        {
            using nietras.SeparatedValues.SepWriter.Row row = writer.NewRow();
            row["a"].Set("x, \"y\"");
            row["b"].Set("");
        }
        Assert.Equal("a,b\n\"x, \"\"y\"\"\",\n", File.ReadAllText(path));
        using var csv = Csv.Open(path);
        Assert.True(csv.Read());
        Assert.Equal(("x, \"y\"", ""), (csv.Text(0), csv.Text(1)));
    }

    private Csv Open(ReadOnlySpan<byte> bytes)
    {
        string path = _folder.File("list.csv");
        File.WriteAllBytes(path, bytes);
        return Csv.Open(path);
    }
}
