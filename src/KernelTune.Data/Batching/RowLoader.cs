using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>Files to rows of tokens. Rows that cannot teach anything are left out and counted.</summary>
internal sealed class RowLoader(RowOptions options, ITextEncoder encoder, ChatTemplate? template)
{
    private readonly List<FileAccount> _accounts = [];

    /// <summary>What a report needs of the rows that were read, in their order.</summary>
    public RowFacts Facts { get; } = new();

    /// <summary>What became of each file that was read.</summary>
    public IReadOnlyList<FileAccount> Accounts => _accounts;

    /// <summary>The rows of the files one after the other; <see cref="Facts"/> say which file each is of.</summary>
    /// <exception cref="DataException">A file or a row cannot be used, or nothing is left.</exception>
    public RowStore Load(IReadOnlyList<DataFile> files, ExampleRange? range)
    {
        var rows = new RowStore(options.RowMemory);
        ExampleRange wanted = range ?? new ExampleRange(0, null);
        long number = 0;
        for (int f = 0; f < files.Count; f++)
        {
            DataFile file = files[f];
            if (number >= wanted.End) break;
            var reading = new ReadAccount();
            var preparing = new PreparationAccount();
            _accounts.Add(new FileAccount(file.Path, reading, preparing));
            var readOptions = new ReadOptions { Format = options.Format, Columns = options.Columns, Target = file.Target, Rows = file.Rows, SkipBad = options.SkipBad };
            SftPreparation? preparation = null;
            foreach (Example example in ExampleFile.Read(file.Path, readOptions, reading))
            {
                if (number >= wanted.End) break;
                if (number++ < wanted.Start) continue;
                Facts.Count(example);
                preparation ??= Preparation(file.Path, LanguageExamples.Of(example, template is not null, file.Path));
                foreach (TokenRow row in preparation.Prepare([example], preparing))
                {
                    if (row.CanTeach)
                    {
                        rows.Add(row);
                        Facts.Add(row, f);
                        continue;
                    }

                    preparing.Unlabelled++;
                    preparing.Dropped++;
                }
            }
        }

        if (rows.Count > 0) return rows;
        string first = files[0].Path;
        long examples = _accounts.Sum(a => a.Preparation.Examples);
        throw new DataException(first, examples == 0
            ? $"{number} examples were found, rows {wanted} leave none of them"
            : $"none of {examples} examples has a label left to learn from ({_accounts.Sum(a => a.Preparation.Truncated)} were cut to max_length)");
    }

    private SftPreparation Preparation(string file, Example first)
    {
        (bool completion, bool assistant) = Loss(options.LossOn, first, file);
        return new SftPreparation(encoder, template, new SftOptions
        {
            CompletionOnlyLoss = completion,
            AssistantOnlyLoss = assistant,
            MaxLength = options.MaxLength,
            Truncation = options.Truncation,
            Strict = options.Strict,
            SpecialInContent = options.SpecialInContent,
            SourceApart = options.SourceApart,
            DropUnlabelled = true,
        }, file);
    }

    /// <summary>loss_on for the kind of rows that the first one shows.</summary>
    private static (bool Completion, bool Assistant) Loss(LossTokens lossOn, Example first, string file)
    {
        bool chat = first is ChatExample, pair = first is PromptCompletionExample or ChatExample { Completion: not null };
        return lossOn switch
        {
            LossTokens.All => (false, false),
            LossTokens.Default => (pair, chat && !pair),
            LossTokens.Completion => pair ? (true, false) : throw new DataException(file, "loss_on: completion was found, and the rows have no completion of their own", first.Line, unit: first.Unit),
            _ => chat ? (pair, true) : pair ? (true, false) : throw new DataException(file, "loss_on: assistant was found, and the rows are plain text", first.Line, unit: first.Unit),
        };
    }
}
