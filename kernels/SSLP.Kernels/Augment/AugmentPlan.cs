using System.Runtime.InteropServices;

namespace SSLP.Kernels;

/// <summary>Which colour step comes at a place of the jitter's order.</summary>
internal enum ColourStep
{
    Brightness,
    Contrast,
    Saturation,
    Hue,
}

/// <summary>
/// Everything that was drawn for one view of one patch: what <see cref="AugmenterCpu"/> does is a pure function of this and the pixels.
/// 28 values of 4 bytes, laid out as the device kernel reads them.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct AugmentPlan
{
    /// <summary>Left edge of the crop in patch pixels.</summary>
    public int Left { get; init; }

    /// <summary>Top edge of the crop in patch pixels.</summary>
    public int Top { get; init; }

    /// <summary>Width of the crop in patch pixels.</summary>
    public int Width { get; init; }

    /// <summary>Height of the crop in patch pixels.</summary>
    public int Height { get; init; }

    /// <summary>Side that the crop is resized to, in output pixels. More than the output's side only where a centre crop follows.</summary>
    public int ResizedSide { get; init; }

    /// <summary>Where the output's window begins in the resized square, both ways.</summary>
    public int WindowOffset { get; init; }

    /// <summary>1 to mirror from left to right, else 0.</summary>
    public int FlipX { get; init; }

    /// <summary>1 to mirror from top to bottom, else 0.</summary>
    public int FlipY { get; init; }

    /// <summary>0: as it is; <see cref="GrayLast"/>: gray after the colour steps; <see cref="GrayFirst"/>: before them.</summary>
    public int Grayscale { get; init; }

    /// <summary>The order of the colour steps, two bits a place, first place lowest; each value is a <see cref="ColourStep"/>.</summary>
    public int Order { get; init; }

    /// <summary>The pixel is multiplied by this; 1 changes nothing.</summary>
    public float Brightness { get; init; }

    /// <summary>Distance from the view's mean gray is multiplied by this; 1 changes nothing.</summary>
    public float Contrast { get; init; }

    /// <summary>Distance from the pixel's gray is multiplied by this; 1 changes nothing.</summary>
    public float Saturation { get; init; }

    /// <summary>Turns of the colour wheel that are added; 0 changes nothing.</summary>
    public float Hue { get; init; }

    /// <summary>σ of the blur in output pixels; 0 is no blur.</summary>
    public float BlurSigma { get; init; }

    /// <summary>1 where <see cref="Stain"/> is to be applied, else 0.</summary>
    public int JitterStain { get; init; }

    /// <summary>The map of optical density.</summary>
    public StainMap Stain { get; init; }

    /// <summary>A value of <see cref="Grayscale"/>.</summary>
    public const int GrayLast = 1, GrayFirst = 2;

    /// <summary>Identity order: brightness, contrast, saturation, hue.</summary>
    public const int PlainOrder = 0 | (1 << 2) | (2 << 4) | (3 << 6);

    /// <summary>The step at <paramref name="place"/> 0 to 3 of the jitter's order.</summary>
    public ColourStep StepAt(int place) => (ColourStep)((Order >> (2 * place)) & 3);

    /// <summary>
    /// The transform of evaluation: the whole patch resized to <paramref name="resizedSide"/> and its centre window of
    /// <paramref name="inputSize"/> (torchvision's Resize(256) and CenterCrop(224), antialiased); no randomness.
    /// </summary>
    public static AugmentPlan Evaluation(int patchSize, int inputSize, int resizedSide)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(patchSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inputSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(resizedSide, inputSize);
        return new AugmentPlan
        {
            Width = patchSize,
            Height = patchSize,
            ResizedSide = resizedSide,
            WindowOffset = (int)Math.Round((resizedSide - inputSize) / 2.0, MidpointRounding.ToEven),
            Order = PlainOrder,
            Brightness = 1,
            Contrast = 1,
            Saturation = 1,
            Stain = StainMap.Identity,
        };
    }

    /// <summary>
    /// Draws the plan of one view. A pure function of its arguments: every number comes from Philox at a counter made of
    /// (patch, step, view, purpose), so neither the batch's composition nor the number of threads matters.
    /// </summary>
    /// <param name="options">What may be drawn; must have passed <see cref="AugmentOptions.Validate"/>.</param>
    /// <param name="patchSize">Side of the square patch in pixels.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="step">The training step, from 0.</param>
    /// <param name="patchId">The patch's row in the memory bank.</param>
    /// <param name="view">Which view of the patch in this step, from 0.</param>
    public static AugmentPlan Draw(AugmentOptions options, int patchSize, ulong seed, long step, long patchId, int view)
    {
        var draws = new AugmentDraws(seed, step, patchId, view);
        (int left, int top, int width, int height) = DrawCrop(options, patchSize, draws);
        (double flipX, double flipY, double gray, double jitter) = draws.Block(AugmentDraws.Choices);
        (double brightness, double contrast, double saturation, double hue) = draws.Block(AugmentDraws.Factors);
        (double order, double blur, double sigma, _) = draws.Block(AugmentDraws.OrderAndBlur);
        bool jittered = jitter < options.ColourJitter;
        bool stained = options.StainScale > 0 || options.StainShift > 0;
        return new AugmentPlan
        {
            Left = left,
            Top = top,
            Width = width,
            Height = height,
            ResizedSide = options.InputSize,
            FlipX = flipX < options.HorizontalFlip ? 1 : 0,
            FlipY = flipY < options.VerticalFlip ? 1 : 0,
            Grayscale = gray >= options.Grayscale ? 0 : options.GrayscaleFirst ? GrayFirst : GrayLast,
            Order = jittered ? NthOrder((int)(order * 24)) : PlainOrder,
            Brightness = jittered ? Factor(options.Brightness, brightness) : 1,
            Contrast = jittered ? Factor(options.Contrast, contrast) : 1,
            Saturation = jittered ? Factor(options.Saturation, saturation) : 1,
            Hue = jittered ? (float)(options.Hue * (2 * hue - 1)) : 0,
            BlurSigma = blur < options.Blur
                ? (float)(Between(options.BlurSigma.Low, options.BlurSigma.High, sigma) * options.BlurScale) : 0,
            JitterStain = stained ? 1 : 0,
            Stain = stained ? DrawStain(options, draws) : StainMap.Identity,
        };
    }

    // torchvision's RandomResizedCrop.get_params: ten attempts, then the largest centred crop of an allowed ratio.
    private static (int Left, int Top, int Width, int Height) DrawCrop(AugmentOptions options, int patchSize, AugmentDraws draws)
    {
        double logLow = Math.Log(options.CropRatio.Low), logHigh = Math.Log(options.CropRatio.High);
        for (int attempt = 0; attempt < AugmentDraws.CropAttempts; attempt++)
        {
            (double areaDraw, double ratioDraw, double leftDraw, double topDraw) = draws.Block(attempt);
            double area = (double)patchSize * patchSize * Between(options.CropArea.Low, options.CropArea.High, areaDraw);
            double ratio = Math.Exp(Between(logLow, logHigh, ratioDraw));
            int width = (int)Math.Round(Math.Sqrt(area * ratio)), height = (int)Math.Round(Math.Sqrt(area / ratio));
            if (width > 0 && width <= patchSize && height > 0 && height <= patchSize)
                return ((int)(leftDraw * (patchSize - width + 1)), (int)(topDraw * (patchSize - height + 1)), width, height);
        }

        // The patch is square, its ratio 1: only a range that excludes 1 narrows the crop.
        double nearest = Math.Clamp(1.0, options.CropRatio.Low, options.CropRatio.High);
        int w = Math.Clamp((int)Math.Round(nearest <= 1 ? patchSize * nearest : patchSize), 1, patchSize);
        int h = Math.Clamp((int)Math.Round(nearest >= 1 ? patchSize / nearest : patchSize), 1, patchSize);
        return ((patchSize - w) / 2, (patchSize - h) / 2, w, h);
    }

    private static StainMap DrawStain(AugmentOptions options, AugmentDraws draws)
    {
        (double scaleH, double scaleE, double shiftH, double shiftE) = draws.Block(AugmentDraws.Stain);
        return StainMap.Jitter(
            1 + options.StainScale * (2 * scaleH - 1), options.StainShift * (2 * shiftH - 1),
            1 + options.StainScale * (2 * scaleE - 1), options.StainShift * (2 * shiftE - 1));
    }

    private static float Factor(double strength, double draw) => (float)Between(Math.Max(0, 1 - strength), 1 + strength, draw);

    private static double Between(double low, double high, double draw) => low + (high - low) * draw;

    // The n-th of the 24 orders of four steps: pick the first from four, the second from the three left, and so on.
    private static int NthOrder(int n)
    {
        int left = 0b11_10_01_00, order = 0;
        for (int place = 0; place < 4; place++)
        {
            int remaining = 4 - place, pick = n % remaining;
            n /= remaining;
            order |= ((left >> (2 * pick)) & 3) << (2 * place);
            int below = left & ((1 << (2 * pick)) - 1);
            left = below | ((left >> (2 * (pick + 1))) << (2 * pick));
        }

        return order;
    }
}
