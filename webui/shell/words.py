"""What every page says."""

from webui.shell.phrases import Phrase

APP = Phrase("Knowledge base", "知识库问答")
CHAT = Phrase("Chat", "对话")
BASES = Phrase("Knowledge bases", "知识库")
EVALUATION = Phrase("Evaluation", "评测")
KNN = Phrase("kNN-LM", "kNN-LM")
SYSTEM = Phrase("System", "系统")

LANGUAGE = Phrase("Language", "界面语言")
SIGN_IN = Phrase("Sign in", "登录")
SIGN_OUT = Phrase("Sign out", "退出登录")
WELCOME = Phrase("Ask your own documents", "向自己的文档提问")
WELCOME_MORE = Phrase("Answers come with citations you can open and check.", "每个回答都附有出处，点开即可核对原文。")
API_KEY = Phrase("API key", "API 密钥")
API_KEY_HELP = Phrase(
    "The first start of the service shows one; more are made with `kb keys create`.",
    "服务首次启动时会显示一个；也可用 `kb keys create` 新建。",
)
API_KEY_WRONG = Phrase("This key is not valid.", "该密钥无效。")
API_KEY_EMPTY = Phrase("Paste a key first.", "请先填入密钥。")
ENDED = Phrase("You have been signed out. Sign in again.", "登录已失效，请重新登录。")

AWAY = Phrase("The service does not answer", "服务没有响应")
AWAY_MORE = Phrase(
    "Nothing is lost. This page goes on by itself as soon as the service is back.",
    "数据不会丢失。服务恢复后本页会自动继续。",
)
BUSY = Phrase("The service is busy", "服务正忙")
BUSY_MORE = Phrase("This page tries again by itself.", "本页会自动重试。")
WENT_WRONG = Phrase("That did not work", "操作未成功")

NO_BASE = Phrase("There is no knowledge base yet", "还没有知识库")
NO_BASE_ADMIN = Phrase("Make one and put your documents in.", "请新建一个知识库，并上传文档。")
NO_BASE_READER = Phrase("Ask an administrator to make one.", "请联系管理员新建。")
BASE = Phrase("Knowledge base", "知识库")

CANCEL = Phrase("Cancel", "取消")
SAVE = Phrase("Save", "保存")
DELETE = Phrase("Delete", "删除")
DOWNLOAD = Phrase("Download", "下载")
PAGE = Phrase("page {page}", "第 {page} 页")
SCORE = Phrase("Score", "得分")

# What a reader is told about an error before the service's own sentence.
ERRORS = {
    "usage": Phrase("Request not possible", "请求有误"),
    "invalid_name": Phrase("Name not allowed", "名称无效"),
    "invalid_request": Phrase("Not accepted", "输入有误"),
    "invalid_setting": Phrase("Setting not accepted", "设置无效"),
    "already_exists": Phrase("Already there", "已存在"),
    "not_found": Phrase("Not found", "找不到"),
    "too_large": Phrase("Too large", "超出限制"),
    "forbidden": Phrase("Not allowed", "没有权限"),
    "model_mismatch": Phrase("Other model", "模型不一致"),
    "model_not_found": Phrase("Model missing", "找不到模型"),
    "missing_extra": Phrase("Component missing", "缺少组件"),
    "generation": Phrase("The model failed", "生成失败"),
    "memory": Phrase("Not enough memory", "内存不足"),
    "unreadable": Phrase("Not readable", "无法读取"),
    "storage": Phrase("Storage error", "存储错误"),
    "storage_full": Phrase("Disk full", "磁盘已满"),
    "interrupted": Phrase("Interrupted", "已中断"),
    "unknown_setting": Phrase("Unknown setting", "未知设置"),
    "unauthorized": Phrase("Not signed in", "未登录"),
    "try_later": Phrase("Not now", "暂时无法处理"),
    "rate_limited": Phrase("Too many requests", "请求过于频繁"),
    "busy": Phrase("Already at work", "正在处理中"),
    "prompt_too_long": Phrase("Too long for the model", "超出模型长度"),
    "cannot_call_tools": Phrase("This model can be no agent", "该模型不能作为智能体"),
    "model_server": Phrase("The model's server failed", "模型服务出错"),
    "embedding_server": Phrase("The embedding server failed", "向量服务出错"),
    "store_unavailable": Phrase("The store does not answer", "向量库没有响应"),
    "cluster": Phrase("The cluster failed", "集群出错"),
    "broken_archive": Phrase("Damaged archive", "导出文件已损坏"),
}

# What to do about an error. The service speaks English, so in Chinese this comes first and its own words after it.
HINTS_ZH = {
    "usage": "请检查输入后重试。",
    "invalid_name": "名称须为 1 至 64 个字符：任何语言的文字、数字、空格和 - _ . ，首尾须为文字或数字。",
    "invalid_request": "请检查输入后重试。",
    "invalid_setting": "请检查该设置后重试。",
    "already_exists": "请换一个名称。",
    "not_found": "可能已被删除，请刷新页面。",
    "too_large": "请减少内容后重试，或请管理员调高上限。",
    "forbidden": "当前密钥没有此权限，请联系管理员。",
    "model_mismatch": "请恢复原来的模型设置，或重建索引。",
    "model_not_found": "请选择其他模型，或请管理员安装该模型。",
    "missing_extra": "请管理员按下方提示安装。",
    "generation": "请重试，或改用“摘录”方式。",
    "memory": "请稍后重试，或改用更小的模型。",
    "unreadable": "文件可能已损坏或已加密，请重新导出后再试。",
    "storage": "请稍后重试；若仍失败，请联系管理员。",
    "storage_full": "请联系管理员清理磁盘。",
    "interrupted": "请重试。",
    "unknown_setting": "请管理员检查配置文件。",
    "unauthorized": "请重新登录。",
    "try_later": "请稍后重试。",
    "rate_limited": "请稍后重试。",
    "busy": "请等当前任务完成后再试。",
    "prompt_too_long": "请缩短问题，或减少检索片段数。",
    "cannot_call_tools": "请改用“生成”方式，或选择其他模型。",
    "model_server": "请稍后重试；若仍失败，请联系管理员。",
    "embedding_server": "请稍后重试；若仍失败，请联系管理员。",
    "store_unavailable": "请稍后重试；若仍失败，请联系管理员。",
    "cluster": "请稍后重试；若仍失败，请联系管理员。",
    "broken_archive": "请重新导出后再导入。",
}
