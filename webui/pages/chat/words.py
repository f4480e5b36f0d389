"""What the chat page says."""

from webui.shell.phrases import Phrase

NEW = Phrase("New chat", "新对话")
FIND_CONVERSATION = Phrase("Search conversations", "搜索对话")
NO_CONVERSATION = Phrase("No conversation matches.", "没有匹配的对话。")
RENAME = Phrase("Rename", "重命名")
RENAME_TITLE = Phrase("Rename this conversation", "重命名对话")
DELETE_TITLE = Phrase("Delete this conversation?", "删除这个对话？")
DELETE_MORE = Phrase("“{title}” and all its messages go for good.", "“{title}”及其全部消息将被永久删除。")
TITLE = Phrase("Title", "标题")
EXPORT = Phrase("Export as Markdown", "导出为 Markdown")
MORE = Phrase("More", "更多")

HELLO = Phrase("What would you like to know?", "想了解什么？")
HELLO_MORE = Phrase(
    "Ask in your own words. Every sentence of an answer cites the passage it comes from.",
    "用自己的话提问即可。回答的每一句都会注明出处。",
)
EXAMPLES = Phrase("Questions these documents answer", "这些文档能回答的问题")
ASK = Phrase("Ask your documents", "向文档提问")
ASK_OR_ATTACH = Phrase("Ask your documents, or attach a file and ask it", "向文档提问，或附上文件直接提问")
EMPTY_BASE = Phrase("“{base}” holds no documents yet.", "知识库“{base}”中还没有文档。")

MODE = Phrase("Answer", "方式")
EXTRACT = Phrase("Quote", "摘录")
GENERATE = Phrase("Write", "生成")
SEARCH_ONLY = Phrase("Search", "检索")
AGENT = Phrase("Agent", "智能体")
MODE_HELP = Phrase(
    "Quote: the best sentences word for word. Write: a language model answers. Search: passages only. "
    "Agent: a model that may search several times and calculate.",
    "摘录：逐字摘录最相关的句子。生成：由语言模型作答。检索：只列出片段。智能体：模型可多次检索和计算。",
)
ONLY = Phrase("Only these files", "限定文件")
FOLDER = Phrase("Only this folder", "限定文件夹")
FOLDER_HELP = Phrase("The beginning of the documents' names, such as reports/", "文档名称的开头，例如 reports/")
ONLY_ALL = Phrase("All files", "全部文件")
ONLY_TAGS = Phrase("Only with a tag", "限定标签")
ONLY_TAGS_HELP = Phrase(
    "Documents that have any of these tags. Tags are given in the table of documents.",
    "含任一所选标签的文档；标签在文档表中设置。",
)
SINCE = Phrase("Added on this day or later", "添加日期不早于")
UNTIL = Phrase("Added on this day or earlier", "添加日期不晚于")
FROM_PAGE = Phrase("From page", "起始页")
TO_PAGE = Phrase("To page", "结束页")
FIRST = Phrase("first", "首页")
LAST = Phrase("last", "末页")
ALSO = Phrase("Ask these with it", "同时询问")
ALSO_NONE = Phrase("this base alone", "仅此知识库")
ALSO_HELP = Phrase(
    "Several bases give one answer; each citation says which base it is from.",
    "多个知识库共同给出一个回答，每条引用注明所属知识库。",
)
K = Phrase("Passages found", "检索片段数")
K_HELP = Phrase("How many passages a question finds.", "每个问题检索多少个片段。")
THRESHOLD = Phrase("Least score", "最低得分")
THRESHOLD_HELP = Phrase(
    "Passages that score less are not used. If none is left, the answer is that the documents do not say.",
    "低于此得分的片段不用；一个不剩时，回答“文档中没有提到”。",
)
AS_SERVICE = Phrase("as the service is set", "按服务设置")
MODEL = Phrase("Language model", "语言模型")
PROMPT = Phrase("How it is told to answer", "提示词")
PROMPT_HELP = Phrase("Prompts are files of the service's administrator.", "提示词由服务管理员提供。")
PROMPTS = {"brief": Phrase("brief", "简短"), "detailed": Phrase("detailed", "详细")}
THINK_FIRST = Phrase("Think first", "先思考后回答")
TEMPERATURE = Phrase("Temperature", "温度")
TEMPERATURE_HELP = Phrase("0: always the likeliest word. More: more varied.", "0 表示总取最可能的词，越高越多样。")
KNN_LM = Phrase("kNN-LM", "kNN-LM")
KNN_LM_HELP = Phrase(
    "The base's own text takes part in choosing each word. It is built on the page kNN-LM first.",
    "知识库自身的文本参与每个词的选择，需先在 kNN-LM 页构建。",
)
DEFAULTS = Phrase("Back to defaults", "恢复默认")
MORE_SETTINGS = Phrase("More settings", "更多设置")

SEARCHING = Phrase("Searching… {seconds} s", "正在检索… {seconds} 秒")
THINKING = Phrase("{found} passages found, writing… {seconds} s", "找到 {found} 个片段，正在作答… {seconds} 秒")
READING = Phrase("Reading {name}…", "正在读取 {name}…")
READ_FAILED = Phrase("Could not be read: {name}", "无法读取：{name}")
STOP = Phrase("Stop", "停止")
UNFINISHED = Phrase("This answer was broken off.", "该回答未完成。")
REGENERATE = Phrase("Answer again", "重新回答")
EDIT = Phrase("Edit the question", "修改问题")
ASK_AGAIN = Phrase("Ask", "提问")
WHY_BAD = Phrase("What was wrong?", "哪里不对？")
WHY_GOOD = Phrase("What was good?", "好在哪里？")
SEND = Phrase("Send", "提交")
THANKS = Phrase("Thank you, noted.", "谢谢，已记录。")
NO_HITS = Phrase("No passage was found.", "没有找到相关片段。")
DOUBT = Phrase("Not supported: the cited passage does not say this", "无依据：所引片段中没有这一内容")
DOUBTS = Phrase("{n} sentence(s) not supported by the cited passage", "有 {n} 句缺少原文依据")
OPEN_SOURCE = Phrase("Open source {number}", "打开出处 {number}")
FOUND = Phrase("What was found, and why ({n})", "检索到的片段及原因（{n}）")
STEPS = Phrase("What the agent did ({n} steps)", "智能体的步骤（{n} 步）")
ORIGINS = Phrase("Where each word came from", "每个词的来源")
REASONING = Phrase("What the model thought", "模型的思考过程")
TIMES = Phrase("{model} · found in {retrieve} ms · {total} s in all", "{model} · 检索 {retrieve} 毫秒 · 共 {total} 秒")
QUOTED = Phrase("word for word", "逐字摘录")
ABOUT_FILES = Phrase("Asking the attached files: {names}", "正在询问附件：{names}")

SOURCE = Phrase("Source", "出处")
ORIGINAL = Phrase("Download the original", "下载原文件")
ORIGINAL_GONE = Phrase(
    "The passage has changed since; this is what was cited.", "片段此后有变动，以下为当时引用的内容。"
)
ALSO_AT = Phrase("The same words stand here too:", "以下位置也有相同内容：")
AND_MORE = Phrase("and {n} more", "另有 {n} 处")
NOT_SUPPORTED = Phrase(
    "The sentence that cites this is not supported by it: a number, date, name or negation differs.",
    "引用此处的句子缺少依据：数字、日期、名称或否定不一致。",
)

STAGE = {
    "dense": Phrase("by meaning", "语义"),
    "lexical": Phrase("by words", "词语"),
    "rerank": Phrase("reranked", "重排"),
    "fusion": Phrase("mixed", "融合"),
}
