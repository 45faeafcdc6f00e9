using CsCheck;
using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class ClusterAgreementTests
{
    [Fact]
    public void Members_are_the_rows_with_equal_labels_in_every_run() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 4])
            .SelectMany((rows, runs) => Gen.Int[-2, 2].Array[rows * runs].Select(labels => (rows, labels)))
            .Sample(given =>
            {
                (int rows, int[] labels) = given;
                var agreement = new ClusterAgreement(labels, rows);
                for (int i = 0; i < rows; i++)
                {
                    IEnumerable<int> expected = Enumerable.Range(0, rows).Where(j =>
                        Enumerable.Range(0, labels.Length / rows).All(r => labels[r * rows + j] == labels[r * rows + i]));
                    Assert.Equal(expected, agreement.Members(i).ToArray());
                }
            });

    [Fact]
    public void Before_any_clustering_every_row_is_alone()
    {
        var none = ClusterAgreement.None(5);
        Assert.Equal(5, none.Classes);
        Assert.Equal([3], none.Members(3).ToArray());
    }

    [Fact]
    public void Refuses_labels_that_are_not_whole_runs() =>
        Assert.Contains("7 cluster labels", Assert.Throws<ArgumentException>(() => new ClusterAgreement(new int[7], 3)).Message);
}
