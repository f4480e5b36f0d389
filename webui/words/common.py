"""What every page says."""

from webui.words import Phrase

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
}
