"""What the kNN-LM page says."""

from webui.shell.phrases import Phrase

TITLE = Phrase("Where each word comes from", "每个词的来源")
MORE = Phrase(
    "With kNN-LM the base's own text takes part in choosing each word. Ask, and see which words it chose.",
    "使用 kNN-LM 时，知识库自身的文本参与每个词的选择。提问后可以看到哪些词来自它。",
)
NOT_POSSIBLE = Phrase(
    "The service's language model does not let its inner states be read, as kNN-LM needs; one of transformers does.",
    "当前语言模型不提供内部状态，无法使用 kNN-LM；transformers 模型可以。",
)
NONE_YET = Phrase(
    "First the language model reads the base's whole text and keeps a key for each token. That takes a while.",
    "需先让语言模型读完知识库全文，为每个词元保存一个键，需要一些时间。",
)
NONE_ASK = Phrase("Nothing was built for this base yet; who may write can do it.", "尚未构建；有写权限的用户可以构建。")
KEPT = Phrase("Built for {model} · {size} · {time}", "已为 {model} 构建 · {size} · {time}")
TUNED = Phrase(" · mixing tuned", " · 已调优")
BUILD = Phrase("Build", "构建")
UPDATE = Phrase("Bring up to date", "更新")
TUNE = Phrase("Tune too", "同时调优")
TUNE_HELP = Phrase(
    "Find out on text that is held out how neighbours and model mix best. Takes longer.",
    "用留出的文本找出近邻与模型的最佳混合方式，耗时更长。",
)
QUESTION = Phrase("Question", "问题")
WEIGHT = Phrase("Share of the neighbours (λ)", "近邻的权重（λ）")
BY_DISTANCE = Phrase("by their distance", "随距离而定")
SCOPE = Phrase("Compared with", "比较范围")
SCOPES = {
    "retrieved": Phrase("the passages found", "检索到的片段"),
    "all": Phrase("the whole base", "整个知识库"),
}
CLOSED_BOOK = Phrase("Leave the passages out of the prompt", "提示中不放片段")
CLOSED_BOOK_HELP = Phrase("Then the base speaks through the neighbours alone.", "此时知识库只通过近邻起作用。")
ASK = Phrase("Ask", "提问")
WRITING = Phrase("The model is writing…", "模型正在作答…")
SUMMARY = Phrase(
    "{decided} of {tokens} tokens chosen by the base's text · {keys} keys compared",
    "{tokens} 个词元中有 {decided} 个由知识库文本决定 · 比较了 {keys} 个键",
)
NOT_USED = Phrase("No neighbours were asked: {reason}", "没有使用近邻：{reason}")
LEGEND = Phrase(
    "Colour: the document most of the word came from; stronger: a larger share.", "颜色表示主要来源文档，越深占比越大。"
)
CHOOSE = Phrase("Choose a word to see its neighbours.", "点选一个词，查看它的近邻。")
LAMBDA_PLOT = Phrase("λ along the answer", "回答中 λ 的变化")
NUMBER = Phrase("place", "位置")
MODEL_ONLY = Phrase("from the model alone", "仅来自模型")
NEIGHBOURS = Phrase("Neighbours of “{token}”", "“{token}”的近邻")
NUMBERS = Phrase(
    "λ {weight} · share of the base {share} · probability {probability} · the model's own uncertainty {entropy} nats",
    "λ {weight} · 知识库占比 {share} · 概率 {probability} · 模型自身的不确定度 {entropy} 奈特",
)
SHARE = Phrase("share {share}", "占比 {share}")
