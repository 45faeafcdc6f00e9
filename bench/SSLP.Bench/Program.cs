using System.Globalization;
using SSLP.Bench.Loading;

switch (args)
{
    case ["loading", _, ..]:
        foreach (string slide in args[1..])
        {
            Console.WriteLine(slide);
            using var rates = new PatchRates(slide);
            foreach (var rate in rates.Measure())
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {rate.Name,-40} {rate.PerSecond,7:F0} patches/s  spread {rate.Spread:P0}"));
        }
        return 0;
    default:
        Console.Error.WriteLine("Usage: SSLP.Bench loading SLIDE…    patches a second and core from slides with JPEG tiles");
        return 2;
}
