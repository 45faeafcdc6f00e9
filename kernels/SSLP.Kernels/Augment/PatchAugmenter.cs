namespace SSLP.Kernels;

/// <summary>
/// One thread's worker for <see cref="AugmenterCpu"/>: its scratch, and the pass over one patch. Scratch is a ring of as many resized rows
/// as the vertical taps reach (a few KB) and one row of output: a pixel is read from memory once and written once; where contrast is
/// jittered the output is walked a second time, since the mean gray of the whole view is known only after the first.
/// </summary>
internal sealed unsafe class PatchAugmenter : IDisposable
{
    private readonly AugmentOptions _options;
    private readonly int _patchSize, _side, _stride, _ringRows;
    private readonly ResizeTaps _columns, _rows;
    private readonly AlignedBuffer<float> _pixels, _ring, _row;
    private readonly GaussianBlur? _blur;

    public PatchAugmenter(AugmentOptions options, int patchSize)
    {
        _options = options;
        _patchSize = patchSize;
        _side = options.InputSize;
        // A multiple of the widest vector, so that every step runs over whole registers.
        _stride = (_side + 15) / 16 * 16;
        int taps = ResizeTaps.CapacityFor(patchSize, _side);
        _ringRows = taps;
        _columns = new ResizeTaps(_side, taps);
        _rows = new ResizeTaps(_side, taps);
        _pixels = new AlignedBuffer<float>(4L * patchSize);
        _ring = new AlignedBuffer<float>(3L * taps * _stride);
        _row = new AlignedBuffer<float>(3L * _stride);
        _blur = options.Blur > 0 ? new GaussianBlur(_side) : null;
    }

    /// <summary>Writes [3, side, side] floats for one patch of [patchSize, patchSize, 3] bytes.</summary>
    public void Apply(in AugmentPlan plan, byte* patch, float* output)
    {
        const float byteToUnit = 1f / 255f;
        _columns.Compute(plan.Width, plan.ResizedSide, plan.WindowOffset, byteToUnit, plan.FlipX != 0);
        _rows.Compute(plan.Height, plan.ResizedSide, plan.WindowOffset, 1f, false);
        int contrastPlace = ContrastPlace(plan);
        bool twoPasses = plan.Contrast != 1f;

        byte* crop = patch + 3 * ((nint)plan.Top * _patchSize + plan.Left);
        double graySum = 0;
        int nextRow = _rows.Start[0];
        for (int y = 0; y < _side; y++)
        {
            int first = _rows.Start[y], end = first + _rows.Count;
            for (nextRow = Math.Max(nextRow, first); nextRow < end; nextRow++)
                ResizeAcross(crop + 3 * (nint)nextRow * _patchSize, plan.Width, nextRow);
            ResizeRows.Vertical(_ring.Pointer, _ringRows, first, _rows.Weights.Slice(y * _rows.Count, _rows.Count), _row.Pointer,
                3 * _stride);

            if (plan.JitterStain != 0)
                ColourRows.Stain(_row.Pointer, _stride, plan.Stain);
            if (plan.Grayscale == AugmentPlan.GrayFirst)
                ColourRows.Grayscale(_row.Pointer, _stride);
            JitterSteps(plan, 0, contrastPlace);
            if (twoPasses)
                graySum += ColourRows.SumGray(_row.Pointer, _stride, _side);
            else
                FinishRow(plan, contrastPlace);
            StoreRow(output, OutputRow(plan, y));
        }

        if (twoPasses)
            ContrastPass(plan, contrastPlace, (float)(graySum / ((double)_side * _side)), output);
        if (plan.BlurSigma > 0)
            _blur!.Apply(output, plan.BlurSigma);
    }

    public void Dispose()
    {
        _pixels.Dispose();
        _ring.Dispose();
        _row.Dispose();
        _blur?.Dispose();
    }

    private void ResizeAcross(byte* source, int width, int sourceRow)
    {
        ResizeRows.Expand(source, width, _pixels.Pointer);
        ResizeRows.Horizontal(_pixels.Pointer, _columns, _ring.Pointer + (nint)(sourceRow % _ringRows) * 3 * _stride, _stride);
    }

    private void ContrastPass(in AugmentPlan plan, int contrastPlace, float mean, float* output)
    {
        for (int y = 0; y < _side; y++)
        {
            LoadRow(output, y);
            ColourRows.Contrast(_row.Pointer, _stride, plan.Contrast, mean);
            FinishRow(plan, contrastPlace);
            StoreRow(output, y);
        }
    }

    // What comes after contrast, or after all steps before it where contrast is left as it is.
    private void FinishRow(in AugmentPlan plan, int contrastPlace)
    {
        JitterSteps(plan, contrastPlace + 1, 4);
        if (plan.Grayscale == AugmentPlan.GrayLast)
            ColourRows.Grayscale(_row.Pointer, _stride);
        NormalisePlane(0, _options.Mean.R, _options.Deviation.R);
        NormalisePlane(1, _options.Mean.G, _options.Deviation.G);
        NormalisePlane(2, _options.Mean.B, _options.Deviation.B);
    }

    private void NormalisePlane(int channel, float mean, float deviation) =>
        ColourRows.Normalise(_row.Pointer + (nint)channel * _stride, _stride, 1 / deviation, -mean / deviation);

    private void JitterSteps(in AugmentPlan plan, int from, int to)
    {
        for (int place = from; place < to; place++)
        {
            switch (plan.StepAt(place))
            {
                case ColourStep.Brightness when plan.Brightness != 1f:
                    ColourRows.Brightness(_row.Pointer, _stride, plan.Brightness);
                    break;
                case ColourStep.Saturation when plan.Saturation != 1f:
                    ColourRows.Saturation(_row.Pointer, _stride, plan.Saturation);
                    break;
                case ColourStep.Hue when plan.Hue != 0f:
                    ColourRows.Hue(_row.Pointer, _stride, plan.Hue);
                    break;
            }
        }
    }

    private static int ContrastPlace(in AugmentPlan plan)
    {
        int place = 0;
        while (plan.StepAt(place) != ColourStep.Contrast)
            place++;
        return place;
    }

    private int OutputRow(in AugmentPlan plan, int y) => plan.FlipY != 0 ? _side - 1 - y : y;

    private void LoadRow(float* output, int y)
    {
        for (int channel = 0; channel < 3; channel++)
            new ReadOnlySpan<float>(output + ((nint)channel * _side + y) * _side, _side)
                .CopyTo(new Span<float>(_row.Pointer + (nint)channel * _stride, _side));
    }

    private void StoreRow(float* output, int y)
    {
        for (int channel = 0; channel < 3; channel++)
            new ReadOnlySpan<float>(_row.Pointer + (nint)channel * _stride, _side)
                .CopyTo(new Span<float>(output + ((nint)channel * _side + y) * _side, _side));
    }
}
